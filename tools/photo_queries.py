"""Measures how many photographs of a drawing retrieve the same images as the drawing itself.

    python -m tools.photo_queries --files files --data . --checkpoint checkpoints_n1_10e

Takes 4 test drawings of each of 22 categories from their .bin files, and simulates 11 pictures of
each: scans, photographs, blackboards. Each picture is a query of search.py. The first 10 images
that it finds are compared with the first 10 that the drawing's own test image finds; the test image
itself is left out of both. A query is kept if at least 5 of the 10 are the same. The ceiling is one
more picture, a clean one: the same strokes in black on white, in the training width, at another
scale and place. Then shows the drawings in 50 pairs of colours. Prints the tables of
docs/metrics.md.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.data.query_image import redraw
from sketch.data.quickdraw import DrawingFile
from sketch.errors import InputError
from sketch.reporting import markdown
from sketch.runs import folders
from sketch.runs.settings import Default

PER_CATEGORY, CATEGORIES = 4, 22
TOP, KEPT = 10, 5
# Pens of drawing programs; papers, in red, green and blue.
COLOURS = (220, 30, 30), (30, 60, 200), (20, 140, 50), (240, 140, 0), (130, 30, 150), (0, 0, 0)
PAPERS = (250, 235, 140), (180, 220, 245), (250, 190, 200)
PAIRS = (  # of ink and paper, near each other in one channel or another
    *('black on white', 'yellow on white', 'cyan on white', 'lime on white', 'orange on white'),
    *('pink on white', 'white on blue', 'white on yellow', 'black on #ffa501', '#ffa503 on black'),
    *('blue on yellow', 'yellow on purple', 'blue on black', 'navy on black', 'red on black'),
    *('green on red', 'red on green', 'red on blue', 'blue on red', 'cyan on magenta'),
    *('magenta on lime', 'maroon on teal', 'orange on skyblue', 'lime on cyan', 'grey on olive'),
)
RANDOM_PAIRS, APART = 25, 30  # a person tells colours apart with this difference (CIE76)
SIDES = 28, 4000  # pixels of pictures in two colours
OVER = 2  # strokes are drawn this many times larger, then reduced: soft edges
PHOTO = {'format': 'JPEG', 'quality': 85}


def place(strokes, random, size, share):
    """Return strokes, (points, 2) of x, y in 0..255, at a random place on a page of some pixels.

    Share has the limits of how much of the page's shorter side 0..255 takes up.
    """
    scale = random.uniform(*share) * min(size) / 255
    room = np.array(size) - scale * np.concatenate(strokes).max(axis=0)
    start = room * random.uniform(0.15, 0.85, 2)
    return [stroke * scale + start for stroke in strokes]


def cover(strokes, size, width):
    """Return how much of each pixel strokes cover, float32 (rows, columns) in 0..1."""
    over = max(OVER, 500 // max(size))
    image = Image.new('L', (size[0] * over, size[1] * over))
    pencil, radius = ImageDraw.Draw(image), width * over / 2
    for stroke in strokes:
        points = [tuple(point) for point in stroke * over]
        if len(points) > 1:
            pencil.line(points, 255, max(1, round(2 * radius)))
        for x, y in points:
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) / 255


def placed(strokes, random, size, share, widths):
    """Return what `cover` does, at a random place and with a random width of two limits."""
    strokes = place(strokes, random, size, share)
    return cover(strokes, size, random.uniform(*widths))


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


def image_of(levels, random=None, noise=0):
    """Return an image of grey levels, 0 to 255, with noise of a standard deviation."""
    if random:
        levels = levels + random.normal(0, noise, levels.shape)
    return Image.fromarray(np.clip(levels, 0, 255).round().astype(np.uint8))


def clean(strokes, random):
    """Clean black strokes on white (the ceiling)."""
    strokes, width = place(strokes, random, (700, 600), (0.7, 0.7)), 5 * 0.7 * 600 / 255
    return image_of(blend(255.0, 0.0, cover(strokes, (700, 600), width))), {}


def pencil(strokes, random):
    """A grey line of 2 pixels on 800x800."""
    amount = cover(place(strokes, random, (800, 800), (0.7, 0.9)), (800, 800), 2)
    page = blend(random.uniform(240, 255), random.uniform(100, 150), amount)
    return image_of(page, random, 1.5), {}


def marker(strokes, random):
    """A thick marker, off-centre."""
    amount = placed(strokes, random, (1200, 900), (0.5, 0.7), (16, 28))
    return image_of(blend(random.uniform(235, 255), random.uniform(10, 70), amount)), {}


def turned(strokes, random):
    """A photograph on its side or upside down, upright by EXIF."""
    amount = placed(strokes, random, (1600, 1200), (0.6, 0.8), (5, 9))
    light = 210 + 12 * clouds(random, (1600, 1200), 2)
    page = blend(light, random.uniform(30, 80), amount) + random.normal(0, 3, light.shape)
    turns, orientation = [(1, 6), (2, 3), (3, 8)][random.integers(3)]
    exif = Image.Exif()
    exif[0x112] = orientation
    return image_of(np.rot90(page, turns)), {**PHOTO, 'exif': exif}


def uneven(strokes, random):
    """A lamp at one side, dark corners, noise."""
    amount = placed(strokes, random, (1200, 900), (0.6, 0.85), (4, 8))
    y, x = np.mgrid[-1:1:900j, -1:1:1200j]
    angle = random.uniform(0, 2 * np.pi)
    lamp = 0.72 + 0.28 * (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2)
    light = 235 * lamp * (1 - 0.18 * (x**2 + y**2))
    page = light * blend(1.0, random.uniform(0.2, 0.4), amount)
    return image_of(page, random, 6), {**PHOTO, 'quality': 80}


def framed(strokes, random):
    """A sheet in a dark scanner frame, not quite straight."""
    size = 1000, 1000
    amount = placed(strokes, random, size, (0.55, 0.7), (3, 7))
    page = blend(random.uniform(225, 250), random.uniform(40, 110), amount)
    left, top, right, bottom = random.uniform(0.01, 0.08, 4) * 1000
    sheet = Image.new('L', size)
    ImageDraw.Draw(sheet).rectangle((left, top, 999 - right, 999 - bottom), 255)
    sheet = sheet.rotate(random.uniform(-1.5, 1.5), Image.Resampling.BICUBIC)
    sheet = np.asarray(sheet.filter(ImageFilter.GaussianBlur(1.5)), np.float32) / 255
    lid = random.uniform(10, 60)
    return image_of(lid + (page - lid) * sheet, random, 2), {}


def deep(strokes, random):
    """12 bits in a PNG of 16."""
    amount = placed(strokes, random, (900, 900), (0.6, 0.85), (3, 7))
    page = blend(random.uniform(3000, 3900), random.uniform(400, 1600), amount)
    page = page + random.normal(0, 30, page.shape)
    return Image.fromarray(np.clip(page, 0, 4095).round().astype(np.uint16)), {}


def chalk(strokes, random):
    """White chalk on a board."""
    size = 1200, 900
    amount = placed(strokes, random, size, (0.6, 0.8), (8, 13))
    grain = np.clip(0.75 + 0.3 * clouds(random, size, 500), 0, 1)
    board = np.array([45, 70, 58]) + 6 * clouds(random, size, 6)[..., np.newaxis]
    return image_of(blend(board, (225, 225, 215), amount * grain), random, 7), PHOTO


def transparent(strokes, random):
    """Coloured strokes, transparent ground."""
    picture = Image.new('RGBA', (600, 600))
    for stroke in place(strokes, random, (600, 600), (0.6, 0.95)):
        layer = np.empty((600, 600, 4), np.uint8)
        layer[..., :3] = COLOURS[random.integers(len(COLOURS))]
        layer[..., 3] = np.round(cover([stroke], (600, 600), 6) * 255)
        picture = Image.alpha_composite(picture, Image.fromarray(layer))
    return picture, {}


def skewed(strokes, random):
    """4 degrees, perspective, blur, rough paper, JPEG 40."""
    size = 1200, 1000
    amount = placed(strokes, random, size, (0.6, 0.8), (5, 9))
    paper = 215 + 4 * clouds(random, size, 150) + 5 * clouds(random, size, 8)
    page = image_of(blend(paper, random.uniform(40, 90), amount))
    fill = {'resample': Image.Resampling.BICUBIC, 'fillcolor': int(np.median(page))}
    page = page.rotate(random.choice([-4, 4]), **fill)
    # (ax + by + c, dx + ey + f) / (gx + hy + 1): farther things are smaller.
    g, h = random.uniform(-1e-4, 1e-4, 2)
    coefficients = (1 + g * 600, 0, 0, 0, 1 + h * 500, 0, g, h)
    page = page.transform(size, Image.Transform.PERSPECTIVE, coefficients, **fill)
    page = np.asarray(page.filter(ImageFilter.GaussianBlur(1.8)), np.float32)
    return image_of(page, random, 3), {**PHOTO, 'quality': 40}


def ruled(strokes, random):
    """A pen on ruled, squared or coloured paper."""
    size = 1000, 1000
    amount = placed(strokes, random, size, (0.6, 0.85), (3, 6))
    kind = random.integers(3)
    paper = np.empty((*size, 3), np.float32)
    paper[:] = PAPERS[random.integers(3)] if kind == 2 else (250, 249, 245)
    if kind < 2:
        spacing = int(random.uniform(28, 50))
        lines = np.zeros(size, bool)
        lines[spacing // 2 :: spacing] = lines[spacing // 2 + 1 :: spacing] = True
        paper[lines | lines.T if kind else lines] = (170, 200, 235)
    colour = [(25, 25, 30), (30, 50, 140)][random.integers(2)]
    return image_of(blend(paper, colour, amount), random, 2), PHOTO


def bitmap(strokes, random):
    """28x28, white on black, as in the data set's NumPy files."""
    # A canvas of 256 has 16 pixels more on each side, and half a line of 16.
    scale = 28 / (256 + 2 * (16 + 8))
    corner = (28 - scale * np.concatenate(strokes).max(axis=0)) / 2
    strokes = [stroke * scale + corner for stroke in strokes]
    return image_of(blend(0.0, 255.0, cover(strokes, (28, 28), 16 * scale))), {}


PICTURES = (
    *(clean, pencil, marker, turned, uneven, framed),
    *(deep, chalk, transparent, skewed, ruled, bitmap),
)


def colour_pairs():
    """Return ink and paper, uint8 (pairs, 2, 3): of PAIRS, then random ones."""
    written = [[ImageColor.getrgb(colour) for colour in pair.split(' on ')] for pair in PAIRS]
    random = np.random.default_rng(0).integers(256, size=(99, 2, 3), dtype=np.uint8)
    lab = np.asarray(Image.fromarray(random).convert('LAB'))
    lab = np.dstack([lab[..., :1] / 2.55, lab[..., 1:].astype(np.int8)])
    apart = np.linalg.norm(lab[:, 0] - lab[:, 1], axis=1) >= APART
    return np.concatenate([np.uint8(written), random[apart][:RANDOM_PAIRS]])


def drawings(files, dataset):
    """Return (index of the test image, strokes) of the drawings to be photographed."""
    chosen, test = [], dataset.test
    for label, category in enumerate(dataset.categories[:CATEGORIES]):
        with DrawingFile(files / f'{category}.bin') as file:
            number = {int(key_id): i for i, key_id in enumerate(file.key_ids)}
            for index in np.flatnonzero(test.labels == label)[:PER_CATEGORY]:
                key_id = int(Path(os.fsdecode(test.paths[index])).stem)
                chosen.append((index, file[number[key_id]].strokes))
    return chosen


def measure(index, chosen):
    """Photograph drawings and search for them.

    Returns:
        how many of the first 10 answers each picture shares with its test image, int (kinds,
        drawings); -1 where the picture is refused.
    """
    kept = np.full((len(PICTURES), len(chosen)), -1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'query'
        for number, (own, strokes) in enumerate(chosen):
            expected, _ = index.search(index.vectors[own], TOP, exclude=own)
            for kind, make in enumerate(PICTURES):
                picture, options = make(strokes, np.random.default_rng([kind, number]))
                picture.save(path, **{'format': 'PNG', **options})
                try:
                    query = index.query(str(path))
                except InputError as error:
                    print(f'{make.__name__} {number}: {error}', file=sys.stderr)
                    continue
                found, _ = index.search(query.vector, TOP, exclude=own)
                kept[kind, number] = len(np.intersect1d(expected, found))
    return kept


def measure_pairs(index, chosen):
    """Show each drawing in each pair of colours, in a size of its own.

    Returns:
        how many pictures are refused, and how many get the class of the drawing, int (pairs, 2).
    """
    pairs = colour_pairs()
    counts = np.zeros((len(pairs), 2), int)
    for number, (own, strokes) in enumerate(chosen):
        random = np.random.default_rng(number)
        side = round(np.exp(random.uniform(*np.log(SIDES))))
        placed_strokes = place(strokes, random, (side, side), (0.86, 0.9))
        amount = cover(placed_strokes, (side, side), max(1.5, side / 50))
        for count, (ink, paper) in zip(counts, pairs):
            picture = image_of(blend(np.float32(paper), ink, amount))
            try:
                image = redraw(np.asarray(picture, np.float32) / 255, index.dataset.size)
            except InputError:
                count[0] += 1
                continue
            [(category, _)] = index.predict(index.network.fc1(image[np.newaxis]))
            count[1] += category == index.category(own)
    return counts


def pairs_table(counts):
    """Return a Markdown table of `measure_pairs`."""
    lines = [['pairs', 'refused, of one pair at most', 'right class, at least', 'mean', 'at most']]
    written = len(PAIRS)
    for title, (refused, right) in (
        (PAIRS[0], counts[:1].T),
        (f'{written - 1} written pairs', counts[1:written].T),
        (f'{len(counts) - written} random pairs', counts[written:].T),
    ):
        numbers = refused.max(), right.min(), f'{right.mean():.1f}', right.max()
        lines.append([title, *map(str, numbers)])
    return markdown.table(lines)


def table(kept):
    """Return a Markdown table of how many answers each kind of picture keeps."""
    lines = [['picture', 'queries kept', f'images kept of {TOP}, mean', 'refused']]
    titles = [make.__doc__.rstrip('.') for make in PICTURES]
    for title, found in [*zip(titles, kept), ('All but the ceiling', kept[1:])]:
        mean = np.maximum(found, 0).mean()
        share = f'{(found >= KEPT).mean():.1%}'.replace('%', ' %')
        lines.append([title, share, f'{mean:.1f}', str((found < 0).sum())])
    return markdown.table(lines)


def main(argv=None):
    """Parse the command line, measure, and print the table."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    arguments.add_argument(
        '--files', type=command_line.path, metavar='FOLDER', required=True, help='.bin files'
    )
    command_line.add_checkpoint(arguments)
    options = arguments.parse_args(argv)
    folder = folders.one(options.checkpoint, options.unfinished)
    dataset = open_dataset(options.data, ['test'])

    from sketch.evaluation.search_index import SearchIndex  # TensorFlow

    with SearchIndex(dataset, folder, Default.distance) as index:
        chosen = drawings(options.files, dataset)
        print(table(measure(index, chosen)))
        print(pairs_table(measure_pairs(index, chosen)), end='')


if __name__ == '__main__':
    command_line.run(main)
