"""Turns any picture of a drawing into an image like those the networks were trained on."""

import numpy as np
from PIL import Image, UnidentifiedImageError

from sketch.data.raster import CANVAS, WHITE
from sketch.errors import InputError

INK_CONTRAST = 32  # grey levels between paper and ink; with less the image counts as empty


def read_query(path, size):
    """Return a drawing as the network's image: uint8 (size, size), black on white.

    An 8-bit grey image of that size that is mostly light is taken as it is. Any other is redrawn
    as the data set was made: transparent pixels are paper, light ink on dark paper is inverted,
    and the ink is moved to the top left with its longer side stretched to the whole image.

    Raises:
        InputError: not an image, or nothing is drawn on it.
    """
    try:
        with Image.open(path) as image:
            image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f'{path}: not a readable image ({error})') from None
    if image.mode == 'L' and image.size == (size, size) and np.median(image) >= WHITE / 2:
        return np.asarray(image)
    grey = _grey(image)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if np.median(border) < WHITE / 2:
        grey = WHITE - grey
    darkest, paper = grey.min(), np.median(grey)
    if paper - darkest < INK_CONTRAST:
        raise InputError(
            f'{path}: nothing is drawn on it (all within {INK_CONTRAST} grey levels of the paper)'
        )
    ink = grey < (darkest + paper) / 2
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    grey = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    # Ink becomes 0 and paper 255: the tone of a pencil or photograph does not matter.
    grey = np.clip((grey - darkest) * WHITE / (paper - darkest), 0, WHITE).astype(np.uint8)
    drawing = Image.fromarray(grey)
    scale = CANVAS / max(drawing.size)
    drawing = drawing.resize([max(1, round(side * scale)) for side in drawing.size])
    canvas = Image.new('L', (CANVAS, CANVAS), WHITE)
    canvas.paste(drawing)
    return np.asarray(canvas.resize((size, size), Image.Resampling.LANCZOS))


def _grey(image):
    """Return an image's grey levels, int32 (rows, columns) in 0..255."""
    if image.mode.startswith('I'):  # 16 bits; Pillow would clip them at 255
        return np.asarray(image).astype(np.int32) // 257
    if 'A' in image.getbands() or 'transparency' in image.info:
        image = image.convert('RGBA')
        opaque = np.asarray(image.getchannel('A')) > 0
        levels = np.asarray(image.convert('L'))[opaque]
        # The paper must contrast with the ink.
        light = levels.size and np.median(levels) >= WHITE / 2
        paper = Image.new('RGBA', image.size, 'black' if light else 'white')
        image = Image.alpha_composite(paper, image)
    return np.asarray(image.convert('L')).astype(np.int32)
