"""Uploaded pictures: what is accepted, read by its content and not by its name; and what no page shows any longer."""

from __future__ import annotations

import io
import warnings

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context
from PIL import Image, ImageOps, UnidentifiedImageError

from tenants.models import Jurisdiction

MAX_UPLOAD_MEGABYTES = 5
MAX_UPLOAD_SIDE_PIXELS = 6000
DRAFT_SIDES = (2560, 1920)  # a JPEG is decoded at about this size: a large one would take half a gigabyte
UPLOAD_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
ACCEPTED_EXTENSIONS = ".png,.jpg,.jpeg,.webp,.gif"


def read_picture(content: bytes) -> Image.Image:
    """The picture, turned upright. Raises ValidationError if the content is no readable picture, or too large.

    It is to be encoded again before it is stored: then nothing of the upload's metadata is left.
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
            upload.draft("RGB", DRAFT_SIDES)
            return ImageOps.exif_transpose(upload).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        raise ValidationError(
            _("The file is not a picture we can read. Send PNG, JPEG, WebP or GIF.")
        ) from error


def delete_former_file(jurisdiction: Jurisdiction, name: str | None) -> None:
    """Delete the file of a replaced or removed picture or logo after the commit; one that is in use again stays."""

    def delete() -> None:
        with tenant_context(jurisdiction):  # the storage path depends on the active schema
            in_use = Jurisdiction.objects.values_list("logo", "picture").filter(pk=jurisdiction.pk).first()
            if in_use is not None and name and name not in in_use:
                default_storage.delete(name)

    transaction.on_commit(delete, robust=True)
