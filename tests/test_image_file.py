"""Images of a data set: one meaning of their pixels, whoever decodes them."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sketch.backend.setup import tf
from sketch.data.dataset import open_dataset
from sketch.data.image_file import LARGEST, read_image
from sketch.errors import InputError

GREY = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)


def chunk(name, content):
    checksum = zlib.crc32(name + content)
    return struct.pack('>I', len(content)) + name + content + struct.pack('>I', checksum)


def png(width, height, body, depth=8, colour=0):
    header = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    parts = chunk(b'IHDR', header), chunk(b'IDAT', body), chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


@pytest.mark.parametrize('options', [{}, {'compress_type': zlib.Z_RLE}, {'optimize': True}])
def test_both_decoders_give_the_same_pixels(tmp_path, options):
    path = tmp_path / 'image.png'
    Image.fromarray(GREY).save(path, **options)
    np.testing.assert_array_equal(read_image(path), GREY)
    decoded = tf.io.decode_png(path.read_bytes(), channels=1)[..., 0]
    np.testing.assert_array_equal(decoded, GREY)


@pytest.mark.parametrize(
    ('mode', 'reason'),
    [
        *((mode, r'\S+ image.*8-bit grey without') for mode in ('1', 'P', 'RGBA', 'I;16')),
        ('L', 'with transparency'),
        *((depth, 'not of 8 bits; save it as') for depth in (2, 4)),
    ],
)
def test_other_images_are_refused(tmp_path, mode, reason):
    path = tmp_path / 'image.png'
    if isinstance(mode, int):
        path.write_bytes(png(16, 3, zlib.compress(bytes(3 * (1 + 2 * mode))), mode))
    elif mode == 'I;16':
        Image.fromarray(GREY.astype(np.uint16) * 257).save(path)
    elif mode == 'L':
        Image.fromarray(GREY).save(path, transparency=255)
    else:
        Image.fromarray(GREY).convert(mode).save(path)
    with pytest.raises(InputError, match=f'image.png: .*{reason}'):
        read_image(path)


@pytest.mark.parametrize(
    'content',
    [
        png(30, 20, b'garbage with the right checksum'),
        png(30, 20, zlib.compress(b'\0' * 31)),  # one row of 20
        png(30, 20, b'').replace(chunk(b'IDAT', b''), b''),
        png(LARGEST + 1, 2, zlib.compress(b'')),
        png(0, 20, b''),
        b'',
    ],
)
def test_a_bad_image_is_named(tmp_path, content):
    path = tmp_path / 'image.png'
    path.write_bytes(content)
    with pytest.raises(InputError, match='image.png: '):
        read_image(path)


def test_a_data_set_of_other_images(make_dataset, tmp_path):
    folder = make_dataset(tmp_path / 'data').folder
    path = next((folder / 'training').rglob('*.png'))
    with Image.open(path) as image:
        image.convert('RGBA').save(path)
    with pytest.raises(InputError, match=f'{path.name}: RGBA image'):
        open_dataset(folder)
    path.write_bytes(png(96, 96, b'garbage'))
    with pytest.raises(InputError, match=f'{path.name}: not an intact PNG'):
        open_dataset(folder)
