"""What all resources of the API share, on the parts of Django REST framework.

The API is read-only. An app declares a serializer, a FilterSet and a viewset; the URL patterns are in `config.api`.
"""

PREFIX = "/api/v1"  # of all paths of the API; of its URL patterns in config.api too
