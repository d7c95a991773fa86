"""Uploaded pictures: what is refused before it is decoded, and what is left of a file when it is stored."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import time
import zlib
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from tenants.jurisdictions import uploads
from tenants.jurisdictions.logos import NormalizedLogo, normalize_logo
from tenants.jurisdictions.pictures import NormalizedPicture, normalize_picture
from tenants.models import Jurisdiction
from tenants.tasks import delete_stray_pictures
from tests.plans.pages import url

CANARY = b"CANARY"
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
NORMALIZE = [normalize_logo, normalize_picture]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">CANARY 47.6 N</x:xmpmeta>'


def encode(picture: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def stored(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def halves(size: tuple[int, int] = (1000, 800), mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    picture = Image.new("RGB", size, "#c00000")
    picture.paste("#0000c0", (0, size[1] // 2, *size))
    return picture.quantize(4) if mode == "P" else picture.convert(mode)


def is_red(color: tuple[int, ...]) -> bool:
    return color[0] > 140 and color[2] < 80


def is_blue(color: tuple[int, ...]) -> bool:
    return color[2] > 140 and color[0] < 80


def ends(content: bytes) -> tuple[Any, Any]:
    """The colors at the top left and at the bottom right."""
    picture = stored(content).convert("RGB")
    return picture.getpixel((5, 5)), picture.getpixel((picture.width - 6, picture.height - 6))


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises this size; of its pixels there are none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
def decoded(monkeypatch: Any) -> list[tuple[int, int]]:
    """The size of each upload that is decoded."""
    sizes: list[tuple[int, int]] = []
    tiles = ImageFile.ImageFile.load

    def load(self: Any) -> Any:
        if self.tile or self.format == "WEBP":  # not decoded yet
            sizes.append(self.size)
        return tiles(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    return sizes


# ---- What is refused -------------------------------------------------------------------------------------
@pytest.mark.parametrize("normalize", NORMALIZE)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png_of(60_000, 60_000), "too many pixels"),
        (png_of(7000, 10), "7000 x 10 pixels; 6000 a side is the most"),
        (png_of(4000, 4000), "4000 x 4000 pixels; 12 million in all is the most"),
        (encode(Image.new("1", (4000, 4000)), "GIF"), "12 million in all"),
        (encode(Image.new("L", (4000, 4000)), "WEBP"), "12 million in all"),
        (encode(Image.new("L", (5000, 5000)), "JPEG"), "24 million in all"),
    ],
    ids=["bomb", "side", "png", "gif", "webp", "jpeg"],
)  # fmt: skip
def test_a_small_file_of_many_pixels_is_refused_before_it_is_decoded(normalize, content, message, decoded):
    assert len(content) < 1024 * 1024
    with pytest.raises(ValidationError, match=message):
        normalize(content)
    assert decoded == []


def test_a_large_photo_is_decoded_at_a_part_of_its_size(decoded):
    photo = encode(halves((6000, 4000)), "JPEG")
    decoded.clear()
    for normalize, limit in ((normalize_logo, 512), (normalize_picture, 1280)):
        assert max(stored(normalize(photo)).size) == limit
    assert decoded
    assert max(max(size) for size in decoded) <= 3000


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", png_of(700, 700)],
    ids=["empty", "start", "svg", "pdf", "without pixels"],
)
def test_what_is_no_picture_is_refused(content):
    for normalize in NORMALIZE:
        with pytest.raises(ValidationError, match="not a picture we can read"):
            normalize(content)


@pytest.mark.parametrize("format", FORMATS)
def test_a_truncated_file_is_refused_wherever_it_ends(format):
    whole = encode(Image.effect_noise((700, 400), 80).convert("RGB"), format)
    for end in [*range(0, 400, 13), *range(400, len(whole) - 100, len(whole) // 12)]:
        with pytest.raises(ValidationError):
            normalize_picture(whole[:end])


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_file_is_read_or_refused_and_is_no_error_of_the_portal(format):
    whole = encode(halves((64, 32)), format)
    for at in range(0, min(len(whole), 900), 3):
        with contextlib.suppress(ValidationError):
            normalize_logo(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])


def test_a_picture_for_the_page_is_measured_upright_and_before_it_is_reduced():
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(ValidationError, match="400 x 800 pixels; 600 x 300 is the least"):
        normalize_picture(encode(halves((800, 400)), "JPEG", exif=exif))
    assert stored(normalize_picture(encode(halves((1000, 4000)), "PNG"))).size == (240, 960)


# ---- What is stored --------------------------------------------------------------------------------------
def with_metadata(format: str) -> bytes:
    """A picture with place, camera, comments and a color profile that has a name."""
    exif = Image.Exif()
    exif[0x010F] = "CANARY camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 36.0, 0.0), 29: "CANARY"})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, Any] = {
        "JPEG": {"exif": exif, "icc_profile": profile + CANARY, "comment": CANARY, "xmp": XMP},
        "WEBP": {"exif": exif, "icc_profile": profile + CANARY, "xmp": XMP},
        "PNG": {"exif": exif, "icc_profile": profile + CANARY, "pnginfo": PngImagePlugin.PngInfo()},
        "GIF": {"comment": CANARY},
    }[format]
    if format == "PNG":
        options["pnginfo"].add_text("Comment", "CANARY")
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    return encode(halves(), format, **options)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("normalize", NORMALIZE)
def test_nothing_is_left_of_the_metadata(normalize, format):
    upload = with_metadata(format)
    assert CANARY in upload
    content = normalize(upload)
    assert CANARY not in content
    picture = stored(content)
    picture.load()
    assert not picture.getexif()
    assert set(picture.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "progressive",
        "progression",
    }
    assert is_red(ends(content)[0])
    assert is_blue(ends(content)[1])


@pytest.mark.parametrize(
    ("orientation", "size", "turned"),
    [(1, (1000, 800), 0), (3, (1000, 800), 180), (6, (800, 1000), 270), (8, (800, 1000), 90)],
)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_stored_upright(format, orientation, size, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = halves(size).rotate(-turned, expand=True)  # as the camera held it
    content = normalize_picture(encode(upright, format, exif=exif))
    shown = stored(content)
    assert (shown.width > shown.height) == (size[0] > size[1])
    assert is_red(ends(content)[0])
    assert is_blue(ends(content)[1])


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF"])
def test_of_a_moving_picture_the_first_is_stored(format):
    others = [Image.new("RGB", (1000, 800), color) for color in ("#00c000", "#00c0c0", "#c0c000")]
    upload = encode(halves(), format, save_all=True, append_images=others, duration=50)
    assert stored(upload).n_frames == 4
    for normalize in NORMALIZE:
        content = normalize(upload)
        assert getattr(stored(content), "n_frames", 1) == 1
        assert is_red(ends(content)[0])
        assert is_blue(ends(content)[1])


@pytest.mark.parametrize(
    ("format", "mode"),
    [
        ("JPEG", "CMYK"), ("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
    ],
)  # fmt: skip
def test_the_colors_of_each_kind_of_file_stay(format, mode):
    upload = encode(halves(mode=mode), format)
    for normalize in NORMALIZE:
        top, bottom = ends(normalize(upload))
        assert is_red(top)
        assert is_blue(bottom)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_gray_pictures_stay_gray(mode):
    gray = Image.new("L", (1000, 800), 255)
    gray.paste(0, (0, 0, 1000, 400))
    picture = gray.convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else gray
    upload = encode(picture if mode == "I;16" else picture.convert(mode), "PNG")
    for normalize in NORMALIZE:
        top, bottom = ends(normalize(upload))
        assert max(top) < 20
        assert min(bottom) > 235
    half = encode(Image.new("I;16", (700, 400), 0x8000), "PNG")
    assert 120 < ends(normalize_logo(half))[0][0] < 136


def test_a_logo_keeps_its_transparency_and_a_picture_lies_on_white():
    clear = Image.new("RGBA", (1000, 800), (0, 0, 0, 0))
    palette = Image.new("P", (1000, 800), 0)
    uploads_ = [encode(clear, "PNG"), encode(clear, "WEBP"), encode(palette, "GIF", transparency=0)]
    uploads_.append(encode(Image.new("RGB", (1000, 800), "#010203"), "PNG", transparency=(1, 2, 3)))
    for upload in uploads_:
        assert stored(normalize_logo(upload)).convert("RGBA").getpixel((5, 5))[3] == 0
        assert min(ends(normalize_picture(upload))[0]) > 250


# ---- The form --------------------------------------------------------------------------------------------
FORM = {
    "short_name": "Riverton", "tagline": "", "brand_color": "#0d5257", "accent_color": "#f2b632",
    "timezone": "America/New_York", "fiscal_year_start_month": "7", "languages": "en",
    "picture_alt": "Mills along the river", "picture_credit": "Photo: Ana Ruiz",
}  # fmt: skip


def test_the_settings_decode_an_upload_once_whatever_its_name_says(
    coordinator_client, riverton, media_folder, decoded
):
    files = {
        "logo": SimpleUploadedFile("logo.gif", encode(halves(), "JPEG")),
        "picture": SimpleUploadedFile("picture.jpg", encode(halves(), "PNG")),
    }
    decoded.clear()
    assert coordinator_client.post(url("settings"), FORM | files).status_code == 302
    assert len(decoded) == 2
    riverton.refresh_from_db()
    assert riverton.logo.name.endswith(".png")
    assert riverton.picture.name.endswith(".jpg")


def test_of_a_file_that_is_too_large_no_more_is_read_than_shows_it(coordinator_client, monkeypatch):
    read: list[int] = []
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 1000)
    monkeypatch.setattr("tenants.plans.views.settings.MAX_UPLOAD_BYTES", 1000)
    monkeypatch.setattr(
        "tenants.plans.views.settings.normalize_picture",
        lambda content: read.append(len(content)) or normalize_picture(content),
    )
    page = coordinator_client.post(
        url("settings"), FORM | {"picture": SimpleUploadedFile("x.png", bytes(100_000))}
    )
    assert read == [1001]
    assert page.status_code == 422
    assert "The picture is larger than 5 MB. Save it smaller." in page.text


def test_stray_files_are_deleted_after_a_day_and_those_in_use_never(riverton, ashford, in_city, media_folder):
    def save(name: str, *, days: float) -> str:
        name = default_storage.save(name, ContentFile(b"x"))
        moment = time.time() - days * 86_400
        os.utime(default_storage.path(name), (moment, moment))
        return name

    def stored() -> set[str]:
        return {
            f"{folder}/{name}"
            for folder in ("brand", "documents")
            for name in default_storage.listdir(folder)[1]
        }

    with in_city(ashford):
        save("brand/logo-old.png", days=9)
        save("documents/report.pdf", days=9)
    with in_city(riverton):
        assert uploads.find_stray_files(riverton, delete=True) == []  # there is no folder yet
        logo, picture = save("brand/logo-1.png", days=9), save("brand/picture-1.jpg", days=9)
        former, young = save("brand/logo-0.png", days=1.1), save("brand/picture-2.jpg", days=0.9)
        document = save("documents/report.pdf", days=9)
        Jurisdiction.objects.filter(pk=riverton.pk).update(logo=logo, picture=picture)
        assert uploads.find_stray_files(riverton) == [former]
        assert stored() == {logo, picture, former, young, document}
        assert delete_stray_pictures.call() == 1
        assert stored() == {logo, picture, young, document}
        assert delete_stray_pictures.call() == 0
    with in_city(ashford):
        assert stored() == {"brand/logo-old.png", "documents/report.pdf"}


def test_only_what_was_made_from_an_upload_is_taken_as_it_is():
    logo, picture = (normalize(encode(halves(), "PNG")) for normalize in NORMALIZE)
    assert normalize_logo(logo) is logo
    assert normalize_picture(picture) is picture
    made = normalize_logo(picture)
    assert (type(picture), type(made)) == (NormalizedPicture, NormalizedLogo)
    assert stored(made).format == "PNG"
