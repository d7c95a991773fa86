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

MAX_UPLOAD_MEGABYTES = 5
MAX_UPLOAD_SIDE_PIXELS = 6000  # pixels of an upload
LOGO_SIDE_PIXELS = 512  # pixels of what is kept
UPLOAD_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def normalize_logo(content: bytes) -> bytes:
    """The picture as a PNG of at most 512 pixels a side, without anything else the file held.

    Raises ValidationError, in words, for what is no picture, or is too big.
    """
    if len(content) > MAX_UPLOAD_MEGABYTES * 1024 * 1024:
        raise ValidationError(
            _("The picture is larger than %(limit)d MB. Save it smaller.") % {"limit": MAX_UPLOAD_MEGABYTES}
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            sent = Image.open(io.BytesIO(content), formats=UPLOAD_FORMATS)
            if max(sent.size) > MAX_UPLOAD_SIDE_PIXELS:
                raise ValidationError(
                    _("The picture has %(width)d x %(height)d pixels; %(limit)d a side is the most.")
                    % {"width": sent.width, "height": sent.height, "limit": MAX_UPLOAD_SIDE_PIXELS}
                )
            picture = sent.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        raise ValidationError(
            _("The file is not a picture we can read. Send PNG, JPEG, WebP or GIF.")
        ) from error
    picture.thumbnail((LOGO_SIDE_PIXELS, LOGO_SIDE_PIXELS))
    kept = io.BytesIO()
    picture.save(kept, "PNG", optimize=True)
    return kept.getvalue()


@transaction.atomic
def change_logo(jurisdiction: Jurisdiction, *, content: bytes | None, by: User | None) -> Jurisdiction:
    """Show this picture as the jurisdiction's logo, or none. Announces `jurisdiction_changed`.

    Raises ValidationError for a file that is not a picture of a sensible size.
    """
    png = normalize_logo(content) if content is not None else None
    with tenant_context(jurisdiction):  # files belong to the schema that is active
        jurisdiction = Jurisdiction.objects.get(pk=jurisdiction.pk)
        before = jurisdiction.logo.name
        if png is None:
            jurisdiction.logo = ""
        else:
            jurisdiction.logo.save(
                f"logo-{hashlib.sha256(png).hexdigest()[:12]}.png", ContentFile(png), save=False
            )
    with schema_context("public"):
        jurisdiction.save(update_fields=["logo", "updated_at"])
        AuditEvent.objects.create(
            actor=by,
            jurisdiction=jurisdiction,
            verb="changed",
            object_type="jurisdiction",
            object_id=jurisdiction.slug,
            detail={"logo": {"from": before, "to": jurisdiction.logo.name}},
        )
    with tenant_context(jurisdiction):
        jurisdiction_changed.send(Jurisdiction, jurisdiction=jurisdiction)
    return jurisdiction
