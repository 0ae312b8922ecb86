"""matplotlib without a display: `from sketch.plotting import plt, save`."""

import functools
import io
import re

import matplotlib

from sketch import atomic

matplotlib.use('Agg')
import matplotlib.pyplot as plt
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

SMALL, MEDIUM = 8.5, 10  # fonts, in points
DPI = 120
PRINT_DPI = 150
FORMATS = tuple(FigureCanvasBase.get_supported_filetypes())  # endings that save() can write


def plain(text):
    """Return text that matplotlib shows as it is: names may have $, which starts a formula."""
    return text.replace('$', r'\$')


@functools.lru_cache(maxsize=10_000)
def inches(text, size):
    """Return the width of one line of text in a font of `size` points."""
    points, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=size), False
    )
    return points / 72


def wrapped(text, width, size):
    """Return text for matplotlib, broken into lines of at most `width` inches.

    Lines break at spaces and after hyphens and underscores; a part that is wider than `width`
    breaks inside.

    Args:
        text: to show as it is; its own line breaks stay.
        width: in inches.
        size: of the font in points.
    """
    lines = []
    for given in text.split('\n'):
        line = ''
        for part in re.findall(r'[^ _-]+[ _-]*|[ _-]+', given):
            for piece in [part] if inches(part.rstrip(), size) <= width else part:
                if line and inches((line + piece).rstrip(), size) > width:
                    lines.append(line.rstrip())
                    line = ''
                line += piece
        lines.append(line.rstrip())
    return plain('\n'.join(lines))


def save(figure, path, dpi=DPI, metadata=None):
    """Write a whole figure in the format of the path's ending, and close it."""
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:].lower(), dpi=dpi, metadata=metadata)
    plt.close(figure)
    atomic.write_bytes(path, content.getvalue())


def save_for_print(figure, folder, name):
    """Write a figure as PNG and SVG, and close it; return the PNG's path.

    The same figure gives the same bytes.
    """
    matplotlib.rcParams['svg.hashsalt'] = 'figures'
    # The PNG first: saving settles the layout, and that of an SVG differs.
    save(figure, folder / f'{name}.png', PRINT_DPI)
    save(figure, folder / f'{name}.svg', PRINT_DPI, metadata={'Date': None})
    return folder / f'{name}.png'
