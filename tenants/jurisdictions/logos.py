"""A jurisdiction's logo: any upload is converted to a small PNG before it is stored."""

from __future__ import annotations

import hashlib
import io
import warnings

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context
from PIL import Image, UnidentifiedImageError

from accounts.models import User
from tenants.jurisdictions.services import save_and_announce
from tenants.models import Jurisdiction

MAX_UPLOAD_MEGABYTES = 5
MAX_UPLOAD_SIDE_PIXELS = 6000
LOGO_SIDE_PIXELS = 512  # of the stored PNG, at most
UPLOAD_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def normalize_logo(content: bytes) -> bytes:
    """Return a picture as a PNG of at most 512 pixels a side, without metadata.

    Raises ValidationError if the content is no readable picture, or too large.
    """
    if len(content) > MAX_UPLOAD_MEGABYTES * 1024 * 1024:
        raise ValidationError(
            _("The picture is larger than %(limit)d MB. Save it smaller.") % {"limit": MAX_UPLOAD_MEGABYTES}
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            upload = Image.open(io.BytesIO(content), formats=UPLOAD_FORMATS)
            if max(upload.size) > MAX_UPLOAD_SIDE_PIXELS:
                raise ValidationError(
                    _("The picture has %(width)d x %(height)d pixels; %(limit)d a side is the most.")
                    % {"width": upload.width, "height": upload.height, "limit": MAX_UPLOAD_SIDE_PIXELS}
                )
            picture = upload.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        raise ValidationError(
            _("The file is not a picture we can read. Send PNG, JPEG, WebP or GIF.")
        ) from error
    picture.thumbnail((LOGO_SIDE_PIXELS, LOGO_SIDE_PIXELS))
    output = io.BytesIO()
    picture.save(output, "PNG", optimize=True)
    return output.getvalue()


@transaction.atomic
def change_logo(jurisdiction: Jurisdiction, *, content: bytes | None, by: User | None) -> Jurisdiction:
    """Set the jurisdiction's logo, or remove it if `content` is None. Sends `jurisdiction_changed`.

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
    return jurisdiction
