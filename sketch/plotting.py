"""matplotlib without a display, and without pyplot: a notebook keeps its own settings.

All other modules take what they need of matplotlib from here.
"""

# ruff: noqa: E402 (matplotlib is imported with care, and the rest of it afterwards)

import contextlib
import functools
import io
import os
import re
import sys
import warnings

from sketch import atomic

# MPLBACKEND, which notebooks set, may name a backend that is not installed: matplotlib refuses it.
_backend = os.environ.pop('MPLBACKEND', None)
_is_ours = 'matplotlib' not in sys.modules
import matplotlib

if _backend is not None:
    os.environ['MPLBACKEND'] = _backend
    if _is_ours:
        with contextlib.suppress(ValueError):
            matplotlib.rcParams['backend'] = _backend
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb  # noqa: F401 (this and the others: for other modules)
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D  # noqa: F401
from matplotlib.patches import Rectangle  # noqa: F401
from matplotlib.textpath import text_to_path
from matplotlib.transforms import blended_transform_factory  # noqa: F401

SMALL, MEDIUM = 8.5, 10  # fonts, in points
DPI = 120
PRINT_DPI = 150


def empty_figure(size=None, layout=None):
    """Return a figure of `size` inches that can be measured before it is saved."""
    figure = Figure(figsize=size, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def subplots(size=None):
    """Return a figure of `size` inches and its axes, which leave room for all their texts."""
    figure = empty_figure(size, layout='constrained')
    return figure, figure.subplots()


def plain(text):
    """Return text that matplotlib shows as it is: names may have $, which starts a formula."""
    return text.replace('$', r'\$')


@contextlib.contextmanager
def boxes_for_unknown_letters():
    """Draw boxes for letters that the font lacks, without a warning for each, in the block."""
    with warnings.catch_warnings():
        for told in ('Glyph .* missing from', 'Matplotlib currently does not support'):
            warnings.filterwarnings('ignore', told)
        yield


@functools.lru_cache(maxsize=10_000)
@boxes_for_unknown_letters()
def inches(text, size):
    """Return the width of one line of text in a font of `size` points."""
    points, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=size), False
    )
    return points / 72


def wrapped(text, width, size):
    """Return text for matplotlib, broken into lines of at most `width` inches.

    Lines break at spaces and after hyphens and underscores; a part that is wider than `width`
    breaks inside. The font has `size` points; the text's own line breaks stay.
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
    """Write a whole figure in the format of the path's ending."""
    content = io.BytesIO()
    with boxes_for_unknown_letters():
        figure.savefig(content, format=path.suffix[1:].lower(), dpi=dpi, metadata=metadata)
    atomic.write_bytes(path, content.getvalue())


def save_for_print(figure, folder, name):
    """Write a figure as PNG and SVG; return the PNG's path.

    The same figure gives the same bytes.
    """
    # The PNG first: saving settles the layout, and that of an SVG differs.
    save(figure, folder / f'{name}.png', PRINT_DPI)
    with matplotlib.rc_context({'svg.hashsalt': 'figures'}):
        save(figure, folder / f'{name}.svg', PRINT_DPI, metadata={'Date': None})
    return folder / f'{name}.png'
