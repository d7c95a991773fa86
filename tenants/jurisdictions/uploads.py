"""Uploaded pictures: what is accepted, read by its content and not by its name; and what no page shows any longer."""

from __future__ import annotations

import datetime as dt
import io
import struct
import warnings
import zlib

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from tenants.models import Jurisdiction

MAX_UPLOAD_MEGABYTES = 5
MAX_UPLOAD_BYTES = MAX_UPLOAD_MEGABYTES * 1024 * 1024
MAX_UPLOAD_SIDE_PIXELS = 6000
# A JPEG is decoded at about the size that is needed, any other format at its full size, with four bytes a pixel and
# several times that on the way.
MAX_MILLION_PIXELS = {"JPEG": 24, "MPO": 24}
MAX_MILLION_PIXELS_OF_OTHERS = 12
UPLOAD_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
ACCEPTED_EXTENSIONS = ".png,.jpg,.jpeg,.webp,.gif"

FOLDER = "brand"  # of each site: its logo and its picture, and nothing else
_STRAY_AFTER = dt.timedelta(days=1)

_RESIZABLE_MODES = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
_SIXTEEN_BITS = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I"})  # of one gray channel
_LYING_ORIENTATIONS = frozenset({5, 6, 7, 8})  # of EXIF: width and height are exchanged
_UNREADABLE = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, struct.error,
    zlib.error,
)  # fmt: skip


def read_picture(
    content: bytes, *, max_sides: tuple[int, int], min_sides: tuple[int, int] = (1, 1)
) -> Image.Image:
    """The first picture of the file, upright, reduced to `max_sides`, as RGBA, and nothing else that is in the file.

    Only the format tells how to read it, not its name; sizes are checked before it is decoded. Raises ValidationError if
    the content is no readable picture, too large, or smaller than `min_sides`.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise ValidationError(
            _("The picture is larger than %(limit)d MB. Save it smaller.") % {"limit": MAX_UPLOAD_MEGABYTES}
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=UPLOAD_FORMATS) as upload:
                _check_pixels(upload)
                lies = upload.getexif().get(ExifTags.Base.Orientation) in _LYING_ORIENTATIONS
                _check_sides(upload.size[::-1] if lies else upload.size, min_sides)
                return _reduce(upload, max_sides[::-1] if lies else max_sides)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValidationError(_("The picture has too many pixels. Save it smaller.")) from error
    except _UNREADABLE as error:
        raise ValidationError(
            _("The file is not a picture we can read. Send PNG, JPEG, WebP or GIF.")
        ) from error


def _check_pixels(upload: Image.Image) -> None:
    """Raise ValidationError if decoding it would take too much memory. Reads the header alone."""
    limit = MAX_MILLION_PIXELS.get(upload.format or "", MAX_MILLION_PIXELS_OF_OTHERS)
    size = {"width": upload.width, "height": upload.height}
    if max(upload.size) > MAX_UPLOAD_SIDE_PIXELS:
        raise ValidationError(
            _("The picture has %(width)d x %(height)d pixels; %(limit)d a side is the most.")
            % (size | {"limit": MAX_UPLOAD_SIDE_PIXELS})
        )
    if upload.width * upload.height > limit * 1_000_000:
        raise ValidationError(
            _(
                "The picture has %(width)d x %(height)d pixels; %(limit)d million in all is the most. Save it smaller."
            )
            % (size | {"limit": limit})
        )


def _check_sides(size: tuple[int, int], least: tuple[int, int]) -> None:
    if size[0] < least[0] or size[1] < least[1]:
        raise ValidationError(
            _(
                "The picture has %(width)d x %(height)d pixels; %(min_width)d x %(min_height)d is the least. "
                "Choose a larger one."
            )
            % {"width": size[0], "height": size[1], "min_width": least[0], "min_height": least[1]}
        )


def _reduce(upload: Image.Image, max_sides: tuple[int, int]) -> Image.Image:
    """The pixels of a checked upload: reduced before it is turned and given four channels, so that these take little."""
    picture: Image.Image = upload
    if upload.mode in _SIXTEEN_BITS:
        picture = upload.point(lambda value: value * (1 / 256)).convert("L")
    elif upload.mode not in _RESIZABLE_MODES or "transparency" in upload.info:
        picture = upload.convert("RGBA")
    picture.thumbnail(max_sides)  # a JPEG is decoded here, at a part of its size
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    pixels = Image.new("RGBA", upright.size)
    pixels.paste(upright)  # without the profile, comments and EXIF that would be saved with it
    return pixels


def delete_former_file(jurisdiction: Jurisdiction, name: str | None) -> None:
    """Delete the file of a replaced or removed picture or logo after the commit; one that is in use again stays."""

    def delete() -> None:
        with tenant_context(jurisdiction):  # the storage path depends on the active schema
            in_use = Jurisdiction.objects.values_list("logo", "picture").filter(pk=jurisdiction.pk).first()
            if in_use is not None and name and name not in in_use:
                default_storage.delete(name)

    transaction.on_commit(delete, robust=True)


def find_stray_files(jurisdiction: Jurisdiction, *, delete: bool = False) -> list[str]:
    """The files of former pictures and logos that its row no longer names; with `delete` they are gone then.

    A file younger than a day is none of them: the row that names it may not be committed yet.
    """
    with tenant_context(jurisdiction):  # the storage path depends on the active schema
        try:
            names = [f"{FOLDER}/{name}" for name in default_storage.listdir(FOLDER)[1]]
        except FileNotFoundError:
            return []
        oldest = timezone.now() - _STRAY_AFTER
        old = sorted(name for name in names if default_storage.get_modified_time(name) < oldest)
        in_use = set(Jurisdiction.objects.values_list("logo", "picture").get(pk=jurisdiction.pk))
        stray = [name for name in old if name not in in_use]
        for name in stray if delete else []:
            default_storage.delete(name)
    return stray
