"""What all resources of the API share: parameters, rows, pages, problems, limits and their description.

The API is read-only. An app declares the fields of a row (a serializer, also used for the reference) and the rows
(a queryset); `views` does the rest. The URL patterns are in `config.api`.
"""

PREFIX = "/api/v1"
