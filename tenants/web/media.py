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

# Shown in the browser. Everything else is a download; SVG too, as it can contain scripts.
INLINE_IMAGE_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
# For every visitor: images of pages in the sizes in use, and logos. The rest, like original images and the files of
# documents, is for the team; documents have a URL of their own, which checks permissions.
PUBLIC_FOLDERS = ("images/", "brand/")


@require_safe
def media(request: HttpRequest, path: str) -> FileResponse:
    """/media/<schema>/<path>: only of the schema of this host."""
    jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
    owner, _slash, name = path.partition("/")
    if owner != connection.schema_name or name != posixpath.normpath(name) or "\\" in name or "\0" in name:
        raise Http404
    is_public = name.startswith(PUBLIC_FOLDERS)
    if not is_public and not _is_team_member(request, jurisdiction):
        raise Http404
    try:
        if _is_link_out_of_storage(name):
            raise Http404
        file = default_storage.open(name)
        modified_at = default_storage.get_modified_time(name)
    except (OSError, SuspiciousFileOperation):
        raise Http404 from None
    extension = posixpath.splitext(name)[1].lower()
    image_type = INLINE_IMAGE_TYPES.get(extension)
    response = FileResponse(
        file,
        as_attachment=image_type is None,
        filename=posixpath.basename(name),
        content_type=image_type or "application/octet-stream",
    )
    response["Last-Modified"] = http_date(modified_at.timestamp())
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if is_public and (jurisdiction.is_launched or not jurisdiction.is_tenant):
        patch_cache_control(response, public=True, max_age=86_400)
    else:
        patch_cache_control(response, private=True, no_store=True)
    return response


def _is_link_out_of_storage(name: str) -> bool:
    """True for a symbolic link to a file outside the storage. Only storage on disk has links."""
    if not isinstance(default_storage, FileSystemStorage):
        return False
    return (
        not Path(default_storage.path(name))
        .resolve()
        .is_relative_to(Path(default_storage.location).resolve())
    )


def _is_team_member(request: HttpRequest, jurisdiction: Jurisdiction) -> bool:
    permission = Permission.SEE_WORKSPACE if jurisdiction.is_tenant else Permission.EDIT_ALLIANCE_SITE
    return access.has_permission(request.user, permission, jurisdiction)
