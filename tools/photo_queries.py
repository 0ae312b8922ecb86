"""Measures how many photographs of a drawing retrieve the same images as the drawing itself.

    python -m tools.photo_queries --files files --data . --checkpoint checkpoints_n1_10e

Takes 5 test drawings of each of 20 categories and simulates 10 pictures of each: scans,
photographs, blackboards. Each picture is a query that query_image normalises. The first 10 images
that it finds are compared with the first 10 that the drawing's own test image finds. The test image
itself is left out of both. A query is kept if at least 5 of the 10 are the same. The ceiling is an
eleventh picture, a clean one: the same strokes in black on white, in the training width, at another
scale and place.
"""

import argparse
import io
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sketch.data.dataset import open_dataset
from sketch.data.query_image import read_query
from sketch.data.quickdraw import DrawingFile
from sketch.errors import InputError

PER_CATEGORY, CATEGORIES = 5, 20
TOP, KEPT = 10, 5
RED, BLUE, GREEN = (220, 30, 30), (30, 60, 200), (20, 140, 50)
COLOURS = (RED, BLUE, GREEN, (240, 140, 0), (130, 30, 150), (0, 0, 0))
OVER = 2  # strokes are drawn this many times larger, then reduced: soft edges


def place(strokes, random, size, share, margin=0.0):
    """Return strokes at a random place on a page.

    Args:
        strokes: integer arrays (points, 2) of x, y in 0..255.
        random: NumPy's Generator.
        size: width and height of the page in pixels.
        share: least and greatest share of the page's shorter side that 0..255 takes up.
        margin: share of the page that stays free at each side.
    """
    scale = random.uniform(*share) * min(size) / 255
    size = np.array(size, float)
    room = (1 - 2 * margin) * size - scale * np.concatenate(strokes).max(axis=0)
    start = margin * size + room * random.uniform(0.15, 0.85, 2)
    return [stroke * scale + start for stroke in strokes]


def cover(strokes, size, width):
    """Return how much of each pixel strokes cover, float32 (rows, columns) in 0..1."""
    image = Image.new('L', (size[0] * OVER, size[1] * OVER))
    pencil, radius = ImageDraw.Draw(image), width * OVER / 2
    for stroke in strokes:
        points = [tuple(point) for point in stroke * OVER]
        if len(points) > 1:
            pencil.line(points, 255, max(1, round(2 * radius)))
        for x, y in points:
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) / 255


def blend(paper, ink, amount):
    """Return ink of a tone or colour on paper, float32, in grey levels."""
    if np.ndim(paper) == 3 or np.size(ink) == 3:
        amount = amount[..., np.newaxis]
    return paper * (1 - amount) + np.asarray(ink, np.float32) * amount


def clouds(random, size, cells):
    """Return smooth random values with mean 0 and standard deviation 1, float32 (rows, columns)."""
    coarse = random.normal(0, 1, (cells, cells)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
    return (smooth - smooth.mean()) / smooth.std()


def image_of(levels):
    """Return an image of grey levels, 0 to 255."""
    return Image.fromarray(np.clip(levels, 0, 255).round().astype(np.uint8))


def clean(strokes, random):
    """Ceiling: the clean strokes in black on white."""
    placed = place(strokes, random, (700, 600), (0.7, 0.7))
    width = 5 * 0.7 * 600 / 255
    return image_of(blend(255.0, 0.0, cover(placed, (700, 600), width))), {}


def pencil(strokes, random):
    """A grey line of 2 pixels on 800x800."""
    size = 800, 800
    placed = place(strokes, random, size, (0.7, 0.9))
    amount = cover(placed, size, 2)
    page = blend(random.uniform(240, 255), random.uniform(100, 150), amount)
    return image_of(page + random.normal(0, 1.5, page.shape)), {}


def marker(strokes, random):
    """A thick marker on 1200x900, off-centre."""
    size = 1200, 900
    amount = cover(place(strokes, random, size, (0.5, 0.7)), size, random.uniform(16, 28))
    return image_of(blend(random.uniform(235, 255), random.uniform(10, 70), amount)), {}


def turned(strokes, random):
    """A photograph on its side or upside down, upright by its EXIF orientation."""
    size = 1600, 1200
    amount = cover(place(strokes, random, size, (0.6, 0.8)), size, random.uniform(5, 9))
    light = 210 + 12 * clouds(random, size, 2)
    page = blend(light, random.uniform(30, 80), amount) + random.normal(0, 3, light.shape)
    turns, orientation = [(1, 6), (2, 3), (3, 8)][random.integers(3)]
    exif = Image.Exif()
    exif[0x112] = orientation
    return image_of(np.rot90(page, turns)), {'exif': exif, 'format': 'JPEG', 'quality': 85}


def uneven(strokes, random):
    """A photograph with a lamp at one side, dark corners and noise."""
    size = 1200, 900
    amount = cover(place(strokes, random, size, (0.6, 0.85)), size, random.uniform(4, 8))
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    angle = random.uniform(0, 2 * np.pi)
    lamp = 0.72 + 0.28 * (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2)
    light = 235 * lamp * (1 - 0.18 * (x**2 + y**2))
    page = light * blend(1.0, random.uniform(0.2, 0.4), amount)
    return image_of(page + random.normal(0, 6, page.shape)), {'format': 'JPEG', 'quality': 80}


def framed(strokes, random):
    """A sheet on a scanner whose lid is dark, not quite straight."""
    size = 1000, 1000
    amount = cover(place(strokes, random, size, (0.55, 0.7)), size, random.uniform(3, 7))
    page = blend(random.uniform(225, 250), random.uniform(40, 110), amount)
    left, top, right, bottom = random.uniform(0.01, 0.08, 4) * 1000
    sheet = Image.new('L', size)
    ImageDraw.Draw(sheet).rectangle((left, top, 999 - right, 999 - bottom), 255)
    sheet = sheet.rotate(random.uniform(-1.5, 1.5), Image.Resampling.BICUBIC)
    sheet = np.asarray(sheet.filter(ImageFilter.GaussianBlur(1.5)), np.float32) / 255
    lid = random.uniform(10, 60)
    page = lid + (page - lid) * sheet
    return image_of(page + random.normal(0, 2, page.shape)), {}


def deep(strokes, random):
    """A scan of 12 bits in a PNG of 16."""
    size = 900, 900
    amount = cover(place(strokes, random, size, (0.6, 0.85)), size, random.uniform(3, 7))
    page = blend(random.uniform(3000, 3900), random.uniform(400, 1600), amount)
    page = page + random.normal(0, 30, page.shape)
    return Image.fromarray(np.clip(page, 0, 4095).round().astype(np.uint16)), {}


def chalk(strokes, random):
    """White chalk on a wiped board."""
    size = 1200, 900
    amount = cover(place(strokes, random, size, (0.6, 0.8)), size, random.uniform(8, 13))
    grain = np.clip(0.75 + 0.3 * clouds(random, size, 500), 0, 1)
    board = np.array([45, 70, 58]) + 6 * clouds(random, size, 6)[..., np.newaxis]
    page = blend(board, (225, 225, 215), amount * grain)
    return image_of(page + random.normal(0, 7, page.shape)), {'format': 'JPEG', 'quality': 85}


def transparent(strokes, random):
    """Coloured strokes on a transparent ground, as drawing programs save them."""
    size = 600, 600
    placed = place(strokes, random, size, (0.6, 0.95))
    picture = Image.new('RGBA', size)
    for stroke in placed:
        amount = cover([stroke], size, 6)
        layer = np.empty((*size, 4), np.uint8)
        layer[..., :3] = COLOURS[random.integers(len(COLOURS))]
        layer[..., 3] = np.round(amount * 255)
        picture = Image.alpha_composite(picture, Image.fromarray(layer))
    return picture, {}


def skewed(strokes, random):
    """A photograph at an angle: 4 degrees of rotation, perspective, blur, rough paper, JPEG 40."""
    size = 1200, 1000
    amount = cover(place(strokes, random, size, (0.6, 0.8)), size, random.uniform(5, 9))
    paper = 215 + 4 * clouds(random, size, 150) + 5 * clouds(random, size, 8)
    page = image_of(blend(paper, random.uniform(40, 90), amount))
    ground = int(np.median(page))
    page = page.rotate(random.choice([-4, 4]), Image.Resampling.BICUBIC, fillcolor=ground)
    # (ax + by + c, dx + ey + f) / (gx + hy + 1): farther things are smaller.
    g, h = random.uniform(-1e-4, 1e-4, 2)
    coefficients = (1 + g * 600, 0, 0, 0, 1 + h * 500, 0, g, h)
    page = page.transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=ground
    )
    page = np.asarray(page.filter(ImageFilter.GaussianBlur(1.8)), np.float32)
    return image_of(page + random.normal(0, 3, page.shape)), {'format': 'JPEG', 'quality': 40}


def ruled(strokes, random):
    """A pen on ruled, squared or coloured paper."""
    size = 1000, 1000
    amount = cover(place(strokes, random, size, (0.6, 0.85)), size, random.uniform(3, 6))
    kind = random.integers(3)
    paper = np.empty((*size, 3), np.float32)
    paper[:] = (250, 249, 245)
    if kind == 2:
        paper[:] = [(250, 235, 140), (180, 220, 245), (250, 190, 200)][random.integers(3)]
    else:
        spacing = int(random.uniform(28, 50))
        lines = np.zeros(size, bool)
        lines[spacing // 2 :: spacing] = lines[spacing // 2 + 1 :: spacing] = True
        if kind == 1:
            lines |= lines.T
        paper[lines] = (170, 200, 235)
    colour = [(25, 25, 30), (30, 50, 140)][random.integers(2)]
    page = blend(paper, colour, amount)
    return image_of(page + random.normal(0, 2, page.shape)), {'format': 'JPEG', 'quality': 85}


PICTURES = (clean, pencil, marker, turned, uneven, framed, deep, chalk, transparent, skewed, ruled)


def drawings(files, dataset):
    """Return (index of the test image, strokes) of the drawings to be photographed."""
    chosen = []
    test = dataset.test
    for label, category in enumerate(dataset.categories[:CATEGORIES]):
        indices = np.flatnonzero(test.labels == label)[:PER_CATEGORY]
        with DrawingFile(files / f'{category}.bin') as file:
            number = {int(key_id): i for i, key_id in enumerate(file.key_ids)}
            for index in indices:
                key_id = int(Path(os.fsdecode(test.paths[index])).stem)
                chosen.append((index, file[number[key_id]].strokes))
    return chosen


def photographed(chosen, size):
    """Make all pictures and normalise them.

    Returns:
        images: uint8 (kinds, drawings, size, size); white where the picture was refused.
        refused: bool (kinds, drawings).
        pictures: the files' contents, [kind][drawing].
    """
    images = np.full((len(PICTURES), len(chosen), size, size), 255, np.uint8)
    refused = np.zeros(images.shape[:2], bool)
    pictures = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, make in enumerate(PICTURES):
            pictures.append([])
            for number, (_, strokes) in enumerate(chosen):
                picture, options = make(strokes, np.random.default_rng([kind, number]))
                path = Path(folder) / 'query'
                picture.save(path, **{'format': 'PNG', **options})
                pictures[-1].append(path.read_bytes())
                try:
                    images[kind, number] = read_query(path, size)
                except InputError as error:
                    print(f'{make.__name__} {number}: {error}', file=sys.stderr)
                    refused[kind, number] = True
    return images, refused, pictures


def answers_kept(index, chosen, images):
    """Return how many of the first 10 answers each image shares with its test image."""
    vectors = index.network.fc1(images.reshape(-1, *images.shape[2:]))
    vectors = vectors.reshape(*images.shape[:2], -1)
    kept = np.zeros(images.shape[:2], int)
    for number, (own, _) in enumerate(chosen):
        expected, _ = index.search(index.vectors[own], TOP, exclude=own)
        for kind in range(len(images)):
            found, _ = index.search(vectors[kind, number], TOP, exclude=own)
            kept[kind, number] = len(np.intersect1d(expected, found))
    return kept


def contact_sheet(images, pictures):
    """Return a picture of the first drawing of each category: photographs beside what is read."""
    side = images.shape[-1]
    rows = range(0, images.shape[1], PER_CATEGORY)
    sheet = Image.new('RGB', (2 * side * len(images), side * len(rows)), 'white')
    for row, number in enumerate(rows):
        for kind, image in enumerate(images):
            with Image.open(io.BytesIO(pictures[kind][number])) as picture:
                if picture.mode == 'I;16':
                    picture = Image.fromarray((np.asarray(picture) >> 4).astype(np.uint8))
                picture = picture.convert('RGBA')
            picture.thumbnail((side, side))
            sheet.paste(picture, (2 * kind * side, row * side), picture)
            sheet.paste(Image.fromarray(image[number]), ((2 * kind + 1) * side, row * side))
    return sheet


def print_table(kept, refused):
    """Print how many answers each kind of picture keeps."""
    kept = np.where(refused, 0, kept)
    print('| picture | at least 5 of 10 kept | kept of 10, mean | refused |')
    print('|---|---|---|---|')
    rows = [(make.__doc__.split('\n')[0].rstrip('.'), [i]) for i, make in enumerate(PICTURES)]
    for title, kinds in [*rows, ('All but the ceiling', range(1, len(PICTURES)))]:
        share, mean = (kept[kinds] >= KEPT).mean(), kept[kinds].mean()
        print(f'| {title} | {share:.1%} | {mean:.1f} | {refused[kinds].mean():.1%} |')


def main():
    """Parse the command line, measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for flag in ('--files', '--data', '--checkpoint'):
        arguments.add_argument(flag, type=Path, required=True, metavar='FOLDER')
    arguments.add_argument('--out', type=Path, metavar='FILE', help='picture of the queries')
    options = arguments.parse_args()

    from sketch.evaluation.search_index import SearchIndex  # TensorFlow

    dataset = open_dataset(options.data, ['test'])
    with SearchIndex(dataset, options.checkpoint, 'euclidean') as index:
        chosen = drawings(options.files, dataset)
        images, refused, pictures = photographed(chosen, dataset.size)
        if options.out:
            contact_sheet(images, pictures).save(options.out)
        print_table(answers_kept(index, chosen, images), refused)


if __name__ == '__main__':
    main()
