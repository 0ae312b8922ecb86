"""matplotlib without a display: `from sketch.plotting import plt, save`."""

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
from matplotlib.backend_bases import FigureCanvasBase

DPI = 120
FORMATS = tuple(FigureCanvasBase.get_supported_filetypes())  # endings that save() can write


def save(figure, *paths, dpi=DPI):
    """Write a figure under each path, in the format of its ending, and close it.

    The same figure gives the same bytes.
    """
    matplotlib.rcParams['svg.hashsalt'] = 'figures'
    for path in paths:
        metadata = {'Date': None} if path.suffix == '.svg' else None
        figure.savefig(path, dpi=dpi, metadata=metadata)
    plt.close(figure)
