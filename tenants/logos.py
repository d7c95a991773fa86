"""A jurisdiction's logo: whatever was uploaded, kept as a small PNG that we wrote ourselves."""

from __future__ import annotations

import hashlib
import io
import warnings

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context, tenant_context
from PIL import Image, UnidentifiedImageError

from accounts.models import User
from tenants.models import AuditEvent, Jurisdiction
from tenants.signals import jurisdiction_changed

MAX_MEGABYTES = 5
MAX_SIDE = 6000  # pixels of an upload
SIDE = 512  # pixels of what is kept
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def as_png(content: bytes) -> bytes:
    """The picture as a PNG of at most 512 pixels a side, without anything else the file held.

    Raises ValidationError, in words, for what is no picture, or is too big.
    """
    if len(content) > MAX_MEGABYTES * 1024 * 1024:
        raise ValidationError(
            _("The picture is larger than %(limit)d MB. Save it smaller.") % {"limit": MAX_MEGABYTES}
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            sent = Image.open(io.BytesIO(content), formats=FORMATS)
            if max(sent.size) > MAX_SIDE:
                raise ValidationError(
                    _("The picture has %(width)d x %(height)d pixels; %(limit)d a side is the most.")
                    % {"width": sent.width, "height": sent.height, "limit": MAX_SIDE}
                )
            picture = sent.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        raise ValidationError(
            _("The file is not a picture we can read. Send PNG, JPEG, WebP or GIF.")
        ) from error
    picture.thumbnail((SIDE, SIDE))
    kept = io.BytesIO()
    picture.save(kept, "PNG", optimize=True)
    return kept.getvalue()


@transaction.atomic
def change_logo(jurisdiction: Jurisdiction, *, content: bytes | None, by: User | None) -> Jurisdiction:
    """Show this picture as the jurisdiction's logo, or none. Announces `jurisdiction_changed`.

    Raises ValidationError for a file that is not a picture of a sensible size.
    """
    png = as_png(content) if content is not None else None
    with tenant_context(jurisdiction):  # files belong to the schema that is active
        place = Jurisdiction.objects.get(pk=jurisdiction.pk)
        before = place.logo.name
        if png is None:
            place.logo = ""
        else:
            place.logo.save(f"logo-{hashlib.sha256(png).hexdigest()[:12]}.png", ContentFile(png), save=False)
    with schema_context("public"):
        place.save(update_fields=["logo", "updated_at"])
        AuditEvent.objects.create(
            actor=by,
            jurisdiction=place,
            verb="changed",
            object_type="jurisdiction",
            object_id=place.slug,
            detail={"logo": {"from": before, "to": place.logo.name}},
        )
    with tenant_context(place):
        jurisdiction_changed.send(Jurisdiction, jurisdiction=place)
    return place
