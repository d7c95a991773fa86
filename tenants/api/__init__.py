"""What every part of the API has in common: parameters, rows, pages, problems, limits and their description.

The API only reads. An app declares what a row says (a serializer, which the reference is made from too) and which rows
there are (a queryset); `views` does the rest. The addresses are wired in `config.api`.
"""

PREFIX = "/api/v1"
