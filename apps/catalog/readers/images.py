"""Pictures inside a file, as `data:image/...;base64,...` values."""

from __future__ import annotations

import base64
import binascii
import io
import re

from PIL import Image

from apps.catalog.readers.limits import MAX_IMAGE_PIXELS, MAX_TEXT_BYTES

_DATA_URI = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp|bmp);base64,", re.IGNORECASE)
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")


class BadImage(ValueError):
    """What is wrong with a picture, as the end of a sentence."""


def read_image(value: str) -> bytes:
    """Decode a data: URI and write the picture anew as PNG, so that nothing but pixels is kept.

    Raises:
        BadImage: not such a value, not a picture, or one over the limits.
    """
    match = _DATA_URI.match(value)
    if match is None:
        raise BadImage("is not a picture; a value like data:image/png;base64,... is expected")
    try:
        data = base64.b64decode("".join(value[match.end() :].split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadImage("is not valid base64") from None
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_IMAGE_PIXELS:
                raise BadImage(
                    f"is a picture of {width:,} x {height:,} pixels; at most "
                    f"{MAX_IMAGE_PIXELS:,} pixels are taken"
                )
            picture.load()
            plain = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except BadImage:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise BadImage("is not a picture that can be read") from None
    out = io.BytesIO()
    plain.save(out, format="PNG", optimize=False)
    if out.tell() > 4 * MAX_TEXT_BYTES:
        raise BadImage("is too large a picture")
    return out.getvalue()
