"""Finds the strokes of a drawing in a picture of it: a scan, a photograph, a screenshot.

Ink is measured as a share of the paper around it, so neither the light nor the paper's colour
matters. A dark frame (the lid of a scanner, a table) is not ink, and neither are specks.
"""

import numpy as np
from PIL import Image, ImageFilter

from sketch.errors import InputError

FAINTEST = 0.06  # of the paper's tone; ink with less contrast counts as paper
NOISE = 5  # standard deviations of the paper; ink with less contrast counts as paper
DARKEST_PAPER = 0.5  # of the lightest paper nearby; what is darker is no shadow
INK_SHARE = 0.001  # of the pixels; the darkest strokes cover as much of a usual picture
PEAK = 1.2  # of the edge's contrast; a part that is fainter throughout is a speck
DOT = 0.4  # of a stroke's width squared; a smaller part is a speck
LINE = 5  # of a stroke's width squared; the longest line is larger
OVERVIEW = 64  # pixels: the longer side of the picture in which paper is told from ink
THIN = 7  # pixels of that picture: thicker shapes are not taken for strokes
EDGE = 0.35  # of the darkest strokes' contrast; the lines of ruled paper are fainter
LIGHT = 0.1  # added to tones on a dark board, so that its own noise counts little
DARK = 0.01  # the least tone to compare with
FRAME = 0.35  # contrast of a frame with the page
ALL_AROUND = 0.9  # of the border
SOFT = 3  # pixels of the page's picture: the soft edge of a frame
PAGE = 256  # pixels: the longer side of the picture in which the frame is found


def find_ink(levels):
    """Return how much ink each pixel holds, float32 (rows, columns): 0 paper, 1 ink.

    A stroke's edge is at 0.5.

    Args:
        levels: float32 (rows, columns, channels), 0 = black, 1 = white. Dark ink on light paper
            or light ink on dark paper; the longer side has at least 2 * PAGE pixels.

    Raises:
        InputError: nothing is drawn there, or no lines.
    """
    if not _is_dark_on_light(levels.mean(axis=2)):
        levels = LIGHT / (levels + LIGHT)  # light ink reflects a multiple of the board's light
    contrast, lack = _contrast(levels)
    page = ~_frame(contrast)
    contrast = np.where(page, contrast, 0)
    grain = np.median(np.abs(lack[page])) / 0.6745 if page.any() else 0  # a standard deviation
    floor = max(FAINTEST, NOISE * grain)
    darkest = np.quantile(contrast, 1 - INK_SHARE)
    if darkest < floor:  # a small drawing on a large page, or none
        darkest = contrast.max()
    if darkest < 2 * floor:
        raise InputError('nothing is drawn on it in lines that stand out from the paper')
    edge = EDGE * darkest
    strokes = _lines(contrast > edge, contrast, edge)
    return np.where(grown(strokes, 1), np.clip(contrast / (2 * edge), 0, 1), 0)


def stroke_width(mask):
    """Return the mean width of strokes in pixels: their area over half their outline."""
    return 2 * mask.sum() / max(1, (mask & grown(~mask, 1)).sum())


def thinned(mask):
    """Return the centre lines of strokes, one pixel wide (Zhang and Suen, 1984).

    Args:
        mask: bool (rows, columns), True = ink.
    """
    mask = np.pad(mask, 1)
    changed = True
    while changed:
        changed = False
        for removable in _REMOVABLE:
            rows, columns = np.nonzero(mask)
            code = np.zeros(len(rows), np.uint8)
            for bit, (down, right) in enumerate(_AROUND):
                code |= mask[rows + down, columns + right].astype(np.uint8) << bit
            gone = removable[code]
            mask[rows[gone], columns[gone]] = False
            changed |= gone.any()
    return mask[1:-1, 1:-1]


# The eight neighbours of a pixel, clockwise from the one above it: (down, right).
_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def _removable():
    """Return two tables, bool (256,): whether a pixel with these neighbours is removed."""
    around = (np.arange(256)[:, np.newaxis] >> np.arange(8)) & 1
    count = around.sum(axis=1)
    # A pixel is on the edge of one stroke, and not its end, if ink begins once around it.
    begins = ((around == 0) & (np.roll(around, -1, axis=1) == 1)).sum(axis=1)
    edge = (count >= 2) & (count <= 6) & (begins == 1)
    up, right, down, left = around[:, ::2].T
    return (
        edge & (up * right * down == 0) & (right * down * left == 0),
        edge & (up * right * left == 0) & (up * down * left == 0),
    )


_REMOVABLE = _removable()


def _is_dark_on_light(grey):
    """Whether the ink is darker than the paper: than most of what is around it.

    Only thin shapes count. The corners of a sheet are not ink, whatever is around them.
    """
    small = _resized(grey, OVERVIEW)
    paper = _local_median(small, OVERVIEW // 5)
    lightest, darkest = ImageFilter.MaxFilter(THIN), ImageFilter.MinFilter(THIN)
    without_dark = _filtered(small, lightest, darkest)
    without_light = _filtered(small, darkest, lightest)
    dark = np.clip(np.minimum(paper, without_dark) - small, 0, None)
    light = np.clip(small - np.maximum(paper, without_light), 0, None)
    dark, light = (dark**2).sum(), (light**2).sum()
    if max(dark, light) > 2 * min(dark, light):
        return dark > light
    return np.median(small) >= 0.5


def _contrast(levels):
    """Compare each pixel with the paper around it.

    Returns:
        contrast: float32 (rows, columns) in 0..1, how much darker it is; of all channels together.
        lack: float32 (rows, columns), the same with its sign, as a mean of the channels.
    """
    lacks = []
    for channel in np.moveaxis(levels, 2, 0):
        paper = _local_median(_resized(channel, OVERVIEW), OVERVIEW // 5)
        nearby = ImageFilter.MaxFilter(OVERVIEW // 6 | 1)
        paper = np.maximum(paper, DARKEST_PAPER * _filtered(paper, nearby, nearby))
        lacks.append(1 - channel / np.maximum(_enlarged(paper, channel.shape), DARK))
    lacks = np.stack(lacks)
    return np.sqrt((np.clip(lacks, 0, 1) ** 2).mean(axis=0)), lacks.mean(axis=0)


def _frame(contrast):
    """Return what surrounds the page, bool (rows, columns).

    It is dark, touches the border, and is thicker than the strokes of the drawing.
    """
    small = _resized(contrast, PAGE)
    dark = small > FRAME
    middle = tuple(slice(side // 4, side - side // 4) for side in small.shape)
    for radius in (3, 6, 12):
        thick = _opened(dark, radius, outside=False)
        if thick[middle].sum() <= dark[middle].sum() / 2:
            break
    else:
        return np.zeros(contrast.shape, bool)
    # With all dark beyond the border, the frame's thin ends count too.
    page = _largest_part(~_opened(dark, radius, outside=True))
    labels = components(np.pad(~page, 1, constant_values=True))
    around = (labels == labels[0, 0])[1:-1, 1:-1]
    # Thin lines along the border are a frame only if they are all around: a drawing may touch it.
    if not _border(thick & around).any() and _border(around).mean() < ALL_AROUND:
        return np.zeros(contrast.shape, bool)
    return _enlarged(grown(around, SOFT).astype(np.float32), contrast.shape) > 0.5


def _border(levels):
    """Return the outermost rows and columns as one row."""
    return np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])


def _opened(mask, radius, outside):
    """Return a mask without what is thinner than 2 * radius + 1 pixels; outside: what is beyond."""
    beyond = 2 * radius
    padded = np.pad(mask, beyond, constant_values=outside)
    opened = grown(~grown(~padded, radius), radius) & padded
    return opened[beyond:-beyond, beyond:-beyond]


def _lines(mask, contrast, edge):
    """Return the mask without specks: parts that are small, or faint throughout.

    Raises:
        InputError: no part is longer than wide.
    """
    labels = components(mask)
    parts, part = np.unique(labels[mask], return_inverse=True)
    area = np.bincount(part) / stroke_width(mask) ** 2
    peak = np.zeros(len(parts))
    np.maximum.at(peak, part, contrast[mask])
    keep = (peak > PEAK * edge) & (area > DOT)
    if not (keep & (area > LINE)).any():
        raise InputError('dots or filled areas, not lines, are drawn on it; draw outlines')
    kept = np.zeros_like(mask)
    kept[mask] = keep[part]
    return kept


def _largest_part(mask):
    """Return the largest connected part of a mask, bool (rows, columns)."""
    labels = components(mask)
    return labels == np.bincount(labels[mask]).argmax() if mask.any() else mask


def components(mask):
    """Return the number of the connected part that each pixel of a mask belongs to.

    Returns:
        int64 (rows, columns): equal within a part (8 neighbours), different between parts. Outside
        the mask every pixel has a number of its own.
    """
    rows, columns = mask.shape
    number = np.arange(mask.size)
    places = number.reshape(mask.shape)
    pairs = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = (slice(0, rows - down), slice(max(0, -right), columns - max(0, right)))
        b = (slice(down, rows), slice(max(0, right), columns + min(0, right)))
        both = mask[a] & mask[b]
        pairs.append((places[a][both], places[b][both]))
    one, other = (np.concatenate(side) for side in zip(*pairs))
    while True:
        a, b = number[one], number[other]
        apart = a != b
        if not apart.any():
            return number.reshape(mask.shape)
        one, other, a, b = one[apart], other[apart], a[apart], b[apart]
        np.minimum.at(number, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(shorter := number[number], number):
            number = shorter


def grown(mask, radius):
    """Return a mask, bool (rows, columns), grown by some pixels to all sides, corners too."""
    for axis in (0, 1):
        length = mask.shape[axis]
        padding = [(0, 0), (0, 0)]
        padding[axis] = (radius + 1, radius)
        count = np.cumsum(np.pad(mask, padding), axis=axis, dtype=np.int32)
        window = np.arange(length)
        mask = count.take(window + 2 * radius + 1, axis) > count.take(window, axis)
    return mask


def _resized(levels, side):
    """Return an image with its longer side reduced to `side` pixels."""
    height, width = levels.shape
    scale = side / max(levels.shape)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BOX))


def _enlarged(levels, shape):
    return np.asarray(Image.fromarray(levels).resize(shape[::-1], Image.Resampling.BICUBIC))


def _local_median(levels, window):
    return _filtered(levels, ImageFilter.MedianFilter(window | 1))


def _filtered(levels, *filters):
    image = Image.fromarray(levels)
    for each in filters:
        image = image.filter(each)
    return np.asarray(image)
