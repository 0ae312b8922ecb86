"""Finds the strokes of a drawing in a picture of it: a scan, a photograph, a screenshot.

Ink differs from the paper around it in lightness or in colour, as people see them (CIELAB). The
difference is a share of the lightness there, so the light does not matter. A dark frame (the lid of
a scanner, a table) is not ink, and neither are specks.
"""

import numpy as np
from PIL import Image, ImageFilter

from sketch.errors import InputError

FAINTEST = 0.045  # of the lightness; ink with less contrast counts as paper
NOISE = 5  # standard deviations of the paper; ink with less contrast counts as paper
# A share of the pixels that is paper in any picture, and how many standard deviations it is within.
QUIET, QUIET_DEVIATIONS = 0.35, 0.4538
INK_SHARE = 0.001  # of the pixels; the darkest strokes cover as much of a usual picture
PEAK = 1.2  # of the edge's contrast; a part that is fainter throughout is a speck
DOT = 0.4  # of a stroke's width squared; a smaller part is a speck
LINE = 5  # of a stroke's width squared; the longest line is larger
OVERVIEW = 64  # pixels: the longer side of the picture in which paper is told from ink
# Pixels of it. Thinner than 7: perhaps a stroke. Paper is a median over 13; nearby is within 10.
LIGHTEST, DARKEST = ImageFilter.MaxFilter(7), ImageFilter.MinFilter(7)
MEDIAN, NEARBY = ImageFilter.MedianFilter(13), ImageFilter.MaxFilter(21)
BEYOND = 12  # pixels: as far as these filters reach, one after another
CLEARLY = 3  # times more
FEWEST = 1e-4  # of a channel's variance; thin shapes with less are noise
SHADOW = 0.4  # contrast with the lightest paper nearby; what has more is no shadow
EDGE = 0.35  # of the darkest strokes' contrast; the lines of ruled paper are fainter
# Red, green and blue light in X, Y and Z, as shares of white.
XYZ = np.float32([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]])
BLACK = 16  # what CIELAB takes from lightness: with it, less light changes all in proportion
FRAME = 0.27  # contrast of a frame with the page
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
    contrast, lack = _contrast(_lab(levels))
    page = ~_frame(contrast)
    contrast = np.where(page, contrast, 0)
    floor = max(FAINTEST, NOISE * _grain(lack[:, page]))
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


def _lab(levels):
    """Return tones of sRGB in CIELAB, float32 (channels, rows, columns).

    The channels are lightness (0..100), green to red, blue to yellow. Grey has lightness only.
    """
    levels = np.moveaxis(np.clip(levels, 0, 1), 2, 0)
    light = np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)
    if len(light) > 1:
        light = np.tensordot(XYZ, light, 1)
    root = np.where(light > (6 / 29) ** 3, np.cbrt(light), light * (29 / 6) ** 2 / 3 + 4 / 29)
    if len(light) == 1:
        return 116 * root - 16
    x, y, z = root
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _contrast(lab):
    """Compare each pixel with the paper around it.

    Returns:
        contrast: float32 (rows, columns), how far it is from the paper's colour, as a share of the
            lighter one's lightness. With dark ink, what is lighter counts by its hue alone; with
            light ink, what is darker.
        lack: float32 (channels, rows, columns), the same in each channel, with its sign.
    """
    small = np.stack([_resized(channel, OVERVIEW) for channel in lab])
    # In each channel, turned where need be, ink is less than paper.
    dark = [_is_dark_on_light(*channels) for channels in zip(lab, small)]
    sign = np.where(dark, 1, -1).astype(np.float32)[:, np.newaxis, np.newaxis]
    lab = sign * lab
    paper = np.stack([_enlarged(channel, lab.shape[1:]) for channel in _paper(sign * small)])
    lack = _share(paper, lab)
    counts = np.stack([np.clip(lack[0], 0, None), *lack[1:]])
    return np.linalg.norm(counts, axis=0), lack


def _grain(lack):
    """Return the standard deviation of paper, of all channels together.

    The lines of the smallest drawings leave little more than QUIET of the pixels to the paper.

    Args:
        lack: float32 (channels, pixels), how far each pixel is from the paper.
    """
    if not lack.size:
        return 0
    return np.linalg.norm(np.quantile(np.abs(lack), QUIET, axis=1)) / QUIET_DEVIATIONS


def _share(one, other):
    """Return the difference of two pictures as a share of the lighter one's lightness."""
    return (one - other) / (np.maximum(np.abs(one[0]), np.abs(other[0])) + BLACK)


def _is_dark_on_light(channel, small):
    """Whether the ink of a channel is less than the paper: than most of what is around it.

    Only thin shapes count, in the channel's overview. The corners of a sheet are not ink, whatever
    is around them. On squared paper neither side has the thin shapes: there, paper is most pixels.
    """
    paper = _filtered(small, MEDIAN)
    dark = np.clip(np.minimum(paper, _filtered(small, LIGHTEST, DARKEST)) - small, 0, None)
    light = np.clip(small - np.maximum(paper, _filtered(small, DARKEST, LIGHTEST)), 0, None)
    dark, light = (dark**2).mean(), (light**2).mean()
    if max(dark, light) > CLEARLY * min(dark, light) + FEWEST * small.var():
        return dark > light
    return np.median(channel) >= channel.mean()


def _paper(small):
    """Return a picture, float32 (channels, rows, columns), without its ink, which is dark."""
    paper = np.stack([_filtered(channel, LIGHTEST, DARKEST, MEDIAN) for channel in small])
    nearby = np.stack([_filtered(channel, NEARBY) for channel in paper])
    away = np.linalg.norm(_share(paper, nearby), axis=0)
    return nearby + (paper - nearby) * np.minimum(1, SHADOW / np.maximum(away, SHADOW))


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
    return np.asarray(Image.fromarray(levels).resize(shape[::-1], Image.Resampling.BILINEAR))


def _filtered(levels, *filters):
    """Return a picture through filters. Its border's values go on beyond it, so slopes stay."""
    image = Image.fromarray(np.pad(levels, BEYOND, 'edge'))
    for each in filters:
        image = image.filter(each)
    return np.asarray(image)[BEYOND:-BEYOND, BEYOND:-BEYOND]
