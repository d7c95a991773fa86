"""A jurisdiction's logo: any upload is converted to a small PNG before it is stored."""

from __future__ import annotations

import hashlib
import io

from django.core.files.base import ContentFile
from django.db import transaction
from django_tenants.utils import tenant_context

from accounts.models import User
from tenants.jurisdictions.services import save_and_announce
from tenants.jurisdictions.uploads import delete_former_file, read_picture
from tenants.models import Jurisdiction

LOGO_SIDE_PIXELS = 512  # of the stored PNG, at most


class NormalizedLogo(bytes):
    """A PNG that `normalize_logo` has made: a form that has checked an upload hands it on without decoding it again."""


def normalize_logo(content: bytes) -> NormalizedLogo:
    """Return a picture as a PNG of at most 512 pixels a side, without metadata.

    Raises ValidationError if the content is no readable picture, or too large.
    """
    if isinstance(content, NormalizedLogo):
        return content
    picture = read_picture(content, max_sides=(LOGO_SIDE_PIXELS, LOGO_SIDE_PIXELS))
    output = io.BytesIO()
    picture.save(output, "PNG", optimize=True)
    return NormalizedLogo(output.getvalue())


@transaction.atomic
def change_logo(jurisdiction: Jurisdiction, *, content: bytes | None, by: User | None) -> Jurisdiction:
    """Set the jurisdiction's logo, or remove it if `content` is None; the old file is deleted. Sends `jurisdiction_changed`.

    Raises ValidationError if the content is no readable picture, or too large.
    """
    png = normalize_logo(content) if content is not None else None
    with tenant_context(jurisdiction):  # the storage path depends on the active schema
        jurisdiction = Jurisdiction.objects.get(pk=jurisdiction.pk)
        before = jurisdiction.logo.name
        if png is None:
            jurisdiction.logo = ""
        else:
            jurisdiction.logo.save(
                f"logo-{hashlib.sha256(png).hexdigest()[:12]}.png", ContentFile(png), save=False
            )
    changes = {"logo": {"from": before, "to": jurisdiction.logo.name}}
    save_and_announce(jurisdiction, changes, by=by)
    delete_former_file(jurisdiction, before)
    return jurisdiction
