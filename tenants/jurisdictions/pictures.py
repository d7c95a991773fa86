"""The picture on top of a jurisdiction's front page: converted to a small JPEG before it is stored."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context
from PIL import Image

from accounts.models import User
from tenants.jurisdictions.services import save_and_announce
from tenants.jurisdictions.uploads import delete_former_file, read_picture
from tenants.models import Jurisdiction

MIN_WIDTH, MIN_HEIGHT = 600, 300
MAX_SIDES = (1280, 960)  # of the stored file
MAX_FILE_BYTES = 150 * 1024  # the lowest quality may exceed it
QUALITIES = (82, 70, 58, 46)


class NormalizedPicture(bytes):
    """A JPEG that `normalize_picture` has made: a form that has checked an upload hands it on without decoding it again."""


def normalize_picture(content: bytes) -> NormalizedPicture:
    """Return a picture as a JPEG of at most 1280 by 960 pixels, without metadata, on white where it is transparent.

    Raises ValidationError if the content is no readable picture, too large, or too small for the top of a page.
    """
    if isinstance(content, NormalizedPicture):
        return content
    picture = read_picture(content, max_sides=MAX_SIDES, min_sides=(MIN_WIDTH, MIN_HEIGHT))
    opaque = Image.new("RGB", picture.size, "white")
    opaque.paste(picture, mask=picture.getchannel("A"))
    for quality in QUALITIES:
        output = io.BytesIO()
        opaque.save(output, "JPEG", quality=quality, optimize=True, progressive=True)
        if output.tell() <= MAX_FILE_BYTES:
            break
    return NormalizedPicture(output.getvalue())


@transaction.atomic
def change_picture(
    jurisdiction: Jurisdiction, *, content: bytes | None, alt: str, credit: str, by: User | None
) -> Jurisdiction:
    """Set the picture of the front page with its description and credit; without `content` only these two.

    Sends `jurisdiction_changed`. If nothing changes, nothing is recorded or sent. Raises ValidationError without a
    picture, description or credit, or if the content is no picture that can be used.
    """
    jpeg = normalize_picture(content) if content is not None else None
    alt, credit = " ".join(alt.split()), " ".join(credit.split())
    with tenant_context(jurisdiction):  # the storage path depends on the active schema
        jurisdiction = Jurisdiction.objects.get(pk=jurisdiction.pk)
        before = _state(jurisdiction)
        if jpeg is not None:
            name = f"picture-{hashlib.sha256(jpeg).hexdigest()[:12]}.jpg"
            if not before["picture"].endswith(f"/{name}"):
                jurisdiction.picture.save(name, ContentFile(jpeg), save=False)
        jurisdiction.picture_alt, jurisdiction.picture_credit = alt, credit
    errors = missing_texts(alt=alt, credit=credit)
    if not jurisdiction.picture:
        errors["picture"] = _("Choose a picture.")
    if errors:
        raise ValidationError(errors)
    jurisdiction.full_clean(exclude=["schema_name"])
    return _save(jurisdiction, before, by=by)


@transaction.atomic
def remove_picture(jurisdiction: Jurisdiction, *, by: User | None) -> Jurisdiction:
    """Show no picture; its file, description and credit go with it. Sends `jurisdiction_changed`."""
    jurisdiction = Jurisdiction.objects.get(pk=jurisdiction.pk)
    before = _state(jurisdiction)
    jurisdiction.picture, jurisdiction.picture_alt, jurisdiction.picture_credit = "", "", ""
    return _save(jurisdiction, before, by=by)


def missing_texts(*, alt: str, credit: str) -> dict[str, Any]:
    """A message for each text that a picture lacks, by the name of the field."""
    errors: dict[str, Any] = {}
    if not alt.strip():
        errors["picture_alt"] = _("Describe the picture for people who cannot see it.")
    if not credit.strip():
        errors["picture_credit"] = _("Name who made the picture.")
    return errors


def _state(jurisdiction: Jurisdiction) -> dict[str, str]:
    return {
        "picture": jurisdiction.picture.name or "",
        "picture_alt": jurisdiction.picture_alt,
        "picture_credit": jurisdiction.picture_credit,
    }


def _save(jurisdiction: Jurisdiction, before: dict[str, str], *, by: User | None) -> Jurisdiction:
    after = _state(jurisdiction)
    changes = {
        name: {"from": before[name], "to": value} for name, value in after.items() if value != before[name]
    }
    if changes:
        save_and_announce(jurisdiction, changes, by=by)
    if "picture" in changes:
        delete_former_file(jurisdiction, before["picture"])
    return jurisdiction
