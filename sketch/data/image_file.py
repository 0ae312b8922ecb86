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
        InputError: it is not an intact PNG, or not 8-bit grey without transparency. TensorFlow
            would read others too, a transparent pixel as black.
    """
    name = os.fsdecode(path)
    try:
        with Image.open(io.BytesIO(content), formats=['PNG']) as image:
            if max(image.size) > LARGEST:
                raise InputError(f'{name}: {image.width}x{image.height} pixels, over {LARGEST}')
            if image.mode != 'L' or 'transparency' in image.info:
                kind = f'{image.mode} image' + ' with transparency' * (image.mode in ('L', 'P'))
                raise InputError(
                    f'{name}: {kind}; convert it to 8-bit grey without transparency, or remove it'
                )
            image.verify()  # checksums
        if not _has_all_rows(content):
            raise InputError(f'{name}: not an intact PNG image of 8 bits (its pixels are cut)')
        with Image.open(io.BytesIO(content), formats=['PNG']) as image:
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f'{name}: not an intact PNG image ({error})') from None


def _has_all_rows(content):
    """Return whether the chunks of a PNG hold all pixels. Pillow shows missing rows as black.

    Args:
        content: bytes of an 8-bit grey PNG whose chunks are intact.
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
