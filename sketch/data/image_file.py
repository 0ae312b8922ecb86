"""The images of a data set: 8-bit grey PNGs.

Training and evaluation decode them by TensorFlow (input_pipeline.py). Both decoders give the same
pixels of what this one accepts.
"""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image

from sketch.errors import InputError

LARGEST = 4096  # pixels a side; more is no image of a data set, and may be a trap for memory


def read_image(path):
    """Return the pixels of an image of a data set, uint8 (rows, columns), 0 = ink, 255 = paper.

    Args:
        path: text, bytes or Path.

    Raises:
        InputError: as of `decode`, or the file cannot be read.
    """
    try:
        with open(path, 'rb') as file:
            return decode(path, file.read())
    except OSError as error:
        raise InputError(f'{os.fsdecode(path)}: {error.strerror}') from None


def decode(path, content):
    """Return the pixels of the bytes of an image file, as `read_image` does.

    Raises:
        InputError: it is not an intact PNG, not 8-bit grey, transparent, interlaced, or larger than
            4096 pixels a side. TensorFlow would read transparent images, but ignore transparency.
    """
    name = os.fsdecode(path)
    try:
        with Image.open(io.BytesIO(content), formats=['PNG']) as image:
            if max(image.size) > LARGEST:
                raise InputError(
                    f'{name}: {image.width}x{image.height} pixels, more than {LARGEST} a side; '
                    'remove it'
                )
            if image.mode != 'L' or 'transparency' in image.info:
                kind = f'{image.mode} image' + ' with transparency' * (image.mode in ('L', 'P'))
                raise InputError(
                    f'{name}: {kind}; convert it to 8-bit grey without transparency, or remove it'
                )
            image.verify()  # checksums
        depth, interlaced = content[24], content[28]
        if depth != 8 or interlaced:
            raise InputError(f'{name}: interlaced, or not of 8 bits; save it as a plain 8-bit PNG')
        if not _has_all_rows(content):
            raise InputError(f'{name}: not an intact PNG image (its pixels are cut)')
        with Image.open(io.BytesIO(content), formats=['PNG']) as image:
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError, IndexError, Image.DecompressionBombError) as error:
        raise InputError(
            f'{name}: not an intact PNG image ({error}); remove it, or make the data set again'
        ) from None


def _has_all_rows(content):
    """Return whether a PNG holds all rows of an 8-bit image. Pillow shows missing rows as black.

    Args:
        content: bytes of a grey PNG whose chunks are intact. With fewer bits or with interlacing
            the result is False.
    """
    width, height = struct.unpack_from('>II', content, 16)
    place, packed, name = 8, [], None
    while name != b'IEND':
        length, name = struct.unpack_from('>I4s', content, place)
        if name == b'IDAT':
            packed.append(content[place + 8 : place + 8 + length])
        place += length + 12  # its length, name and checksum
    stream, rows = zlib.decompressobj(), height * (width + 1)
    try:
        return len(stream.decompress(b''.join(packed), rows + 1)) == rows and stream.eof
    except zlib.error:
        return False
