"""matplotlib without a display: `from sketch.plotting import plt, save`."""

import io

import matplotlib

from sketch import atomic

matplotlib.use('Agg')
import matplotlib.pyplot as plt
from matplotlib.backend_bases import FigureCanvasBase

DPI = 120
PRINT_DPI = 150
FORMATS = tuple(FigureCanvasBase.get_supported_filetypes())  # endings that save() can write


def plain(text):
    """Return text that matplotlib shows as it is: names may have $, which starts a formula."""
    return text.replace('$', r'\$')


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
