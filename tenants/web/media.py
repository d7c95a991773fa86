"""Uploaded files, each only on the host of the jurisdiction that owns it."""

from __future__ import annotations

import posixpath
from pathlib import Path

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest
from django.utils.cache import patch_cache_control
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from tenants import access
from tenants.access import Permission
from tenants.models import Jurisdiction

# What a browser may show by itself. Everything else is a download; SVG too, as it can hold scripts.
INLINE_IMAGE_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
# Made to be shown: the pictures of pages in the sizes they are used, and logos. The rest, like the originals of
# pictures and the files behind documents, is for the team; documents have their own address, which asks first.
PUBLIC_FOLDERS = ("images/", "brand/")


@require_safe
def media(request: HttpRequest, path: str) -> FileResponse:
    """/media/<schema>/<path>: only of the schema of this host."""
    jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
    owner, _slash, name = path.partition("/")
    if owner != connection.schema_name or name != posixpath.normpath(name) or "\\" in name or "\0" in name:
        raise Http404
    is_shown = name.startswith(PUBLIC_FOLDERS)
    if not is_shown and not _is_on_the_team(request, jurisdiction):
        raise Http404
    try:
        if _leads_out(name):
            raise Http404
        file = default_storage.open(name)
        changed = default_storage.get_modified_time(name)
    except (OSError, SuspiciousFileOperation):
        raise Http404 from None
    extension = posixpath.splitext(name)[1].lower()
    kind = INLINE_IMAGE_TYPES.get(extension)
    response = FileResponse(
        file,
        as_attachment=kind is None,
        filename=posixpath.basename(name),
        content_type=kind or "application/octet-stream",
    )
    response["Last-Modified"] = http_date(changed.timestamp())
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if is_shown and (jurisdiction.is_launched or not jurisdiction.is_tenant):
        patch_cache_control(response, public=True, max_age=86_400)
    else:
        patch_cache_control(response, private=True, no_store=True)
    return response


def _leads_out(name: str) -> bool:
    """True if a link in the folder leads to a file outside of it. Only folders on disk have links."""
    if not isinstance(default_storage, FileSystemStorage):
        return False
    return (
        not Path(default_storage.path(name))
        .resolve()
        .is_relative_to(Path(default_storage.location).resolve())
    )


def _is_on_the_team(request: HttpRequest, jurisdiction: Jurisdiction) -> bool:
    what = Permission.SEE_WORKSPACE if jurisdiction.is_tenant else Permission.EDIT_ALLIANCE_SITE
    return access.has_permission(request.user, what, jurisdiction)
