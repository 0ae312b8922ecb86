"""Draws what queries retrieve: a picture of the images found."""

from sketch.data.raster import WHITE
from sketch.plotting import DPI, MEDIUM, Rectangle, empty_figure, save, wrapped

COLUMNS = 10  # of images found, beside the query
HIGHEST = 16_000  # pixels of a picture; WebP has at most 16,383
CELL, IMAGE, LINE, GAP = 1.25, 1.17, 0.12, 0.1  # of a picture, in inches
LABEL = 7  # font of a cell, in points
# Colour and line of a frame: whether an image is of the query's category, None if that is unknown.
# Lines differ as well, and the colours for all eyes: red and green are one to 1 man in 12.
FRAMES = {True: ('tab:blue', '-'), False: ('tab:orange', '--'), None: ('grey', '-')}
QUERY = 'black', '-'


def draw(title, queries, path):
    """Draw queries and what they retrieve, COLUMNS images per row; say what is left out.

    Args:
        title: of the picture.
        queries: list of (query's image, its title, its category or None, images found), each image
            found an (image, category, distance).
        path: Path of the picture.
    """
    columns = min(COLUMNS, max(len(found) for *_, found in queries))
    width = (1 + columns) * CELL
    title = wrapped(title, width - 2 * GAP, MEDIUM)
    heading = GAP + 0.17 * (1 + title.count('\n'))
    height = heading + GAP / 2
    drawn = []  # rows of cells; a cell is None, or (image, text, its frame)
    for left, query in enumerate(queries):
        rows = _rows(*query)
        added = sum(_height(row) for row in rows)
        if drawn and (height + added) * DPI > HIGHEST:
            print(f'{path}: shows the first {left} of {len(queries)} queries')
            break
        drawn += rows
        height += added

    figure = empty_figure((width, height))
    axes = figure.add_axes((0, 0, 1, 1))  # its units are inches from the top left
    axes.axis('off')
    axes.text(width / 2, GAP, title, fontsize=MEDIUM, ha='center', va='top')
    bottom = heading
    for row in drawn:
        bottom += _height(row)
        for column, cell in enumerate(row):
            if cell is not None:
                _draw_cell(axes, column * CELL + (CELL - IMAGE) / 2, bottom, *cell)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect='auto')
    save(figure, path)


def _rows(image, title, category, found):
    """Return one query of `draw` as rows of cells, the query in the first column of the first."""
    cells = []
    for picture, name, distance in found:
        frame = FRAMES[None if category is None else name == category]
        cells.append((picture, wrapped(f'{name}\n{distance:.4g}', IMAGE, LABEL), frame))
    query = (image, wrapped(title, IMAGE, LABEL), QUERY)
    starts = range(0, max(len(cells), 1), COLUMNS)
    return [[None if start else query, *cells[start : start + COLUMNS]] for start in starts]


def _height(row):
    """Return the height of a row of cells in inches: the most lines of text, and an image."""
    return IMAGE + 2 * GAP + LINE * max(1 + text.count('\n') for _, text, _ in filter(None, row))


def _draw_cell(axes, left, bottom, image, text, frame):
    """Draw an image with its frame above `bottom`, and its text above the image."""
    top, right = bottom - IMAGE, left + IMAGE
    axes.imshow(image, cmap='gray', vmin=0, vmax=WHITE, extent=(left, right, bottom, top))
    colour, line = frame
    box = Rectangle((left, top), IMAGE, IMAGE, fill=False, edgecolor=colour, linestyle=line)
    box.set_linewidth(2)
    axes.add_patch(box)
    axes.text(left + IMAGE / 2, top - 0.05, text, fontsize=LABEL, ha='center', va='bottom')
