"""Turns any picture of a drawing into an image like those the networks were trained on."""

import struct
import warnings

import numpy as np
from PIL import Image, ImageOps

from sketch.data.ink import find_ink, grown, thinned
from sketch.data.raster import CANVAS, INK, WHITE, WIDTH, draw
from sketch.errors import InputError

MOST_PIXELS = 150_000_000  # of a file: 12,000 x 12,000 and a little
SMALLEST = 24  # pixels: the longer side of a drawing; nobody can tell what a smaller one shows
WORKING = 512, 1024  # pixels: the longer side in which ink is looked for
THINNING = 512  # pixels: the longer side of the drawing when its strokes are thinned
COVERED = 0.35  # of a pixel by ink: enough to keep thin strokes whole when they are reduced
SOLID = 0.6  # stroke widths from the paper: ink this deep inside is an area that was filled
THICKEST = 1 / 8  # of the drawing's longer side; what is thicker is no line but an area


def read_query(path, size):
    """Return a drawing as the network's image: uint8 (size, size), black on white.

    An image that looks like one of the data set is returned unchanged. Any other is turned by its
    EXIF orientation, then redrawn (see `redraw`). Transparent pixels become paper. Of an animation,
    the first frame is read.

    Raises:
        InputError: not an image, too many pixels, or a picture that `redraw` refuses.
    """
    try:
        image = _open(path)
        return np.asarray(image) if _is_drawn(image, size) else redraw(_levels(image), size)
    except InputError as error:
        raise InputError(f'{path}: {error}') from None


def redraw(levels, size):
    """Return a drawing as the data set would show it: uint8 (size, size), black on white.

    The strokes are found on their paper and redrawn with the data set's pen, moved to the top left
    with the longer side stretched to the whole image. Filled areas stay filled.

    Args:
        levels: float32 (rows, columns) or (rows, columns, channels), 0 = black, 1 = white.
        size: side of the result in pixels, at most 256.

    Raises:
        InputError: the picture or the drawing is too small, nothing is drawn, or only areas.
    """
    height, width = levels.shape[:2]
    longer = max(height, width)
    if longer < SMALLEST:
        raise InputError(
            f'{width} x {height} pixels show too little of a drawing; give at least {SMALLEST}'
        )
    scale = np.clip(longer, *WORKING) / longer
    channels = np.moveaxis(levels.reshape(height, width, -1), 2, 0)
    ink = find_ink(np.stack([_smoothed(_scaled(channel, scale)) for channel in channels], axis=2))
    strokes = ink > 0.5
    # A stroke on the border of the picture is cut lengthwise: its centre is the border.
    cut = [[edge.any() for edge in strokes[[0, -1]]], [edge.any() for edge in strokes.T[[0, -1]]]]
    ink = _cropped(ink, strokes)
    if max(ink.shape) / scale < SMALLEST:
        share = max(ink.shape) / (scale * longer)
        raise InputError(
            f'the drawing takes up {share:.1%} of the longer side, too little to tell what it '
            f'shows; cut it out, at least {SMALLEST} pixels large'
        )
    mask = np.pad(_scaled(ink, THINNING / max(ink.shape)) > COVERED, 1)
    lines = thinned(mask)
    thickness = mask.sum() / lines.sum()
    if thickness > THICKEST * THINNING:
        raise InputError('filled areas, not lines, are drawn on it; draw outlines')
    return _drawn(lines | ~grown(~mask, int(np.ceil(SOLID * thickness))), cut, size)


def _open(path):
    """Return a file's first picture as viewers show it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of Pillow: many pixels, odd metadata
            with Image.open(path) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise InputError(f'{width} x {height} are too many pixels; reduce it first')
                image.draft(None, (2 * WORKING[1],) * 2)  # a large JPEG is reduced while it is read
                image.load()
                return _upright(image)
    except Image.DecompressionBombError:
        raise InputError(f'more than {MOST_PIXELS:,} pixels; reduce it first') from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f'not a readable image ({error}); save it as PNG or JPEG') from None


def _upright(image):
    """Return an image turned by its EXIF orientation, as it is if that is corrupt."""
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, TypeError, struct.error):
        return image


def _is_drawn(image, size):
    """Whether an image looks as if raster.draw had made it."""
    if image.mode != 'L' or image.size != (size, size) or 'transparency' in image.info:
        return False
    pixels = np.asarray(image)
    ink = pixels < WHITE / 4
    return np.median(pixels) == WHITE and ink[0].any() and ink[:, 0].any()


def _levels(image):
    """Return an image's tones, reduced, float32 (rows, columns, channels) in 0..1."""
    factor = max(1, max(image.size) // (2 * WORKING[1]))
    if image.mode[0] in 'IF':  # 16 or 32 bits, of which any number may be used
        levels = np.nan_to_num(np.asarray(image.convert('F').reduce(factor)), posinf=0, neginf=0)
        levels = levels - min(0, levels.min())
        return levels / max(levels.max(), np.finfo(np.float32).tiny)
    if 'A' in image.getbands() or 'a' in image.getbands() or 'transparency' in image.info:
        image = _on_paper(image.convert('RGBA').reduce(factor))
    grey = image.mode in ('1', 'L')
    return np.asarray(image.convert('L' if grey else 'RGB').reduce(factor), np.float32) / WHITE


def _on_paper(image):
    """Return an RGBA image on the paper that its ink contrasts with."""
    opaque = np.asarray(image.getchannel('A')) > WHITE / 2
    tones = np.asarray(image.convert('L'))[opaque]
    darkest, middle, lightest = np.percentile(tones, (10, 50, 90)) if tones.size else (0, 0, 0)
    if opaque.mean() > 0.5:  # a sheet that was cut out: its own paper surrounds it
        paper = (int(middle),) * 3
    else:
        paper = 'white' if WHITE - lightest >= darkest else 'black'
    return Image.alpha_composite(Image.new('RGBA', image.size, paper), image)


def _scaled(levels, scale):
    """Return levels, float32 (rows, columns), with both sides scaled."""
    size = [max(1, round(side * scale)) for side in levels.shape[::-1]]
    kind = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(levels)).resize(size, kind))


def _smoothed(levels):
    """Return levels without the finest grain: a mean over 3 x 3 pixels, weighted 1 2 1."""
    padded = np.pad(levels, 1, 'edge')
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4


def _cropped(levels, mask):
    """Return the part of an array that holds all of a mask."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _drawn(lines, cut, size):
    """Return centre lines, bool (rows, columns), as the data set's pen draws them.

    Args:
        lines: with a margin of 1 pixel.
        cut: for rows and columns, whether the first and the last of the picture have ink.
        size: side of the result in pixels.
    """
    centres = np.argwhere(lines)
    box = [
        (1 if first else along.min(), side - 2 if last else along.max())
        for along, side, (first, last) in zip(centres.T, lines.shape, cut)
    ]
    start, end = np.transpose(box)
    scale = (CANVAS - 1) / max(1, *(end - start))
    rows, columns = np.rint((centres - start) * scale).astype(int).T
    radius = WIDTH // 2
    dot = np.asarray(draw([np.array([[radius, radius]])], CANVAS))[:WIDTH, :WIDTH]
    canvas = np.full((CANVAS + 2 * radius,) * 2, WHITE, np.uint8)
    for down, right in np.argwhere(dot == INK):
        canvas[rows + down, columns + right] = INK
    image = Image.fromarray(canvas[radius:-radius, radius:-radius])
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))
