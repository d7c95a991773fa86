"""Files of a site: only on its own host."""

from __future__ import annotations

import mimetypes

from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import default_storage
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from cms.models import may_see_site

# Uploaded documents are not among them: /documents/ serves those, as downloads.
SHOWN = ("images/", "brand/")
TYPES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp", "image/avif", "image/svg+xml"})


@require_safe
def media(request: HttpRequest, path: str) -> FileResponse:
    """A picture of this host's own schema, as the storage names it: /media/<schema>/images/….

    A file of another schema, of another kind, or of a site that has not launched is 404.
    """
    own = f"{connection.schema_name}/"
    name = path.removeprefix(own)
    kind = mimetypes.guess_type(name)[0]
    if not path.startswith(own) or not name.startswith(SHOWN) or ".." in name or kind not in TYPES:
        raise Http404
    if not may_see_site(request.user, connection.tenant):
        raise Http404
    try:
        file = default_storage.open(name)
    except (FileNotFoundError, IsADirectoryError, SuspiciousOperation):
        raise Http404 from None
    response = FileResponse(file, content_type=kind)
    response["Cache-Control"] = "private, max-age=3600"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response
