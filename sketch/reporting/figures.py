"""The figures that plots.py draws of measured Points and of the paper's."""

import zlib
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np

from sketch.networks.registry import NETWORKS
from sketch.plotting import (
    MEDIUM,
    SMALL,
    Line2D,
    blended_transform_factory,
    boxes_for_unknown_letters,
    inches,
    subplots,
    to_rgb,
    wrapped,
)
from sketch.reporting.points import EMBEDDING, FC1, PAPERS_RUN, by_run, own_name, told_apart
from sketch.runs.names import epochs_text

MARKERS = 'osD^vP*X<>phd'  # 13: so many runs of one colour look different
WIDTH, MARGIN = 9, 0.25  # of all figures, in inches
TEXT_WIDTH = WIDTH - 2 * MARGIN
AXES = 4.6  # height of curves with their title, in inches
ROW = 0.21  # height of a bar with its gap, in inches
BAND = 0.13  # opacity of an interval


class Figure(NamedTuple):
    """What one figure shows."""

    name: object  # the paper's number, or a word
    metric: str
    title: str
    tells: str  # field of Point that tells the lines of one run and seed apart
    splits: tuple = ('train', 'test')
    vectors: tuple = (FC1,)
    bars: int = 0  # one for each of the largest epoch counts; 0 for curves

    def choose(self, points):
        """Return the Points of this figure, those of different data under different names."""
        points = [point for point in points if point.metric == self.metric]
        chosen = [p for p in points if p.split in self.splits and p.vectors in self.vectors]
        if self.name == EMBEDDING:  # with fc1 of the same checkpoints only
            embedded = {_checkpoint(point) for point in chosen if point.vectors == EMBEDDING}
            chosen = [point for point in chosen if _checkpoint(point) in embedded]
        return told_apart(chosen)

    def draw(self, points, papers):
        """Return a matplotlib figure of measured Points and of the paper's."""
        return (draw_bars if self.bars else draw_curves)(self, points, papers)


FIGURES = (
    Figure(3, 'accuracy', 'accuracy against epochs', 'split'),
    Figure(4, 'accuracy', 'accuracy on the training set', 'split', splits=('train',), bars=2),
    Figure(5, 'accuracy', 'accuracy on the test set', 'split', splits=('test',), bars=2),
    Figure(6, 'mAP', "mAP of fc1 against epochs (the paper's definition)", 'k'),
    Figure(7, 'mAP', "mAP of fc1 (the paper's definition)", 'k', bars=2),
    Figure(EMBEDDING, 'mAP', "mAP of fc1 and a triplet loss's embedding (the paper's definition)",
           'vectors', vectors=(FC1, EMBEDDING), bars=1),
    Figure('compactness', 'compactness',
           'Compactness: distance within over distance between categories',
           'vectors', vectors=(FC1, EMBEDDING)),
)  # fmt: skip


def draw_curves(shown, points, papers):
    """Return a matplotlib figure of values against epochs, with its legend below."""
    figure, axes = subplots()
    drawn = [*papers, *points]
    styles = line_styles(getattr(point, shown.tells) for point in drawn)
    looks, seeds = run_looks(drawn), by_run(drawn)
    reach = 0.03 * max(1, *(point.epochs for point in drawn))
    lines = defaultdict(list)
    for point in drawn:
        lines[point.net, point.run, point.seed, getattr(point, shown.tells)].append(point)
    for (net, run, seed, told), line in lines.items():
        look = dict(looks[net, run])
        if seed != seeds[net, run][0]:
            look |= {'markerfacecolor': 'white', 'linewidth': 0.7}
        line = sorted(line, key=lambda point: point.epochs)
        if len(line) == 1:  # a dot alone would not show the line style
            (point,) = line
            places = max(0, point.epochs - reach), point.epochs, point.epochs + reach
            line = [point._replace(epochs=place) for place in places]
            look['markevery'] = [1]
        epochs, values, low, high = zip(*((p.epochs, p.value, p.low, p.high) for p in line))
        axes.plot(epochs, values, **look, linestyle=styles[told])
        known = [value is not None for value in low]
        if any(known):
            low, high = (np.array(limits, float) for limits in (low, high))  # None becomes NaN
            band = {'color': look['color'], 'alpha': BAND, 'linewidth': 0}
            axes.fill_between(epochs, low, high, where=known, **band)
    step_axis(axes, points)
    axes.set(xlabel='epochs', ylabel=shown.metric, xlim=(0, None))
    if shown.metric != 'compactness':  # its values are close together
        axes.set_ylim(0, 1.03 if shown.metric == 'accuracy' else None)
    axes.grid(alpha=0.3)
    _describe(figure, shown, points, papers)
    legend = _legend(figure, _entries(shown, points, papers, looks, styles))
    with boxes_for_unknown_letters():
        height = legend.get_window_extent(figure.canvas.get_renderer()).height / figure.dpi
    figure.set_size_inches(WIDTH, AXES + height)
    return figure


def draw_bars(shown, points, papers):
    """Return a matplotlib figure of the largest epoch counts of each run's first seed as bars.

    The name of a run stands above its bars.
    """
    figure, axes = subplots()
    figure.get_layout_engine().set(w_pad=MARGIN)
    # The names reach across the picture, not only across the axes.
    across = blended_transform_factory(figure.transFigure, axes.transData)
    top, labels = 0.0, {}
    for rows in _groups([*points, *papers], shown.bars):
        name = wrapped(label_of(rows[0].net, rows[0].run, rows[0].seed), TEXT_WIDTH, SMALL)
        heading = axes.text(
            *(MARGIN / 2 / WIDTH, top, name),  # to the left of all labels
            transform=across,
            va='top',
            fontsize=SMALL,
            bbox={'color': 'white', 'pad': 1},  # no grid line crosses it
        )
        heading.set_in_layout(False)
        top += 1 + name.count('\n')
        for point in rows:
            colour = NETWORKS[point.net].colours[point.vectors == EMBEDDING]
            bar = axes.barh(
                *(top + 0.4, point.value),
                height=0.8,
                color=_pale(point.net) if point.run == PAPERS_RUN else colour,
                xerr=_reach(point),
                error_kw={'elinewidth': 1, 'capsize': 2},
            )
            axes.bar_label(bar, fmt='%.3f', padding=3, fontsize=SMALL)
            label = [f'k = {point.k}'] * bool(point.k) + [epochs_text(point.epochs)]
            labels[top + 0.4] = ', '.join(label + [point.vectors] * (len(shown.vectors) > 1))
            top += 1
        top += 0.5
    axes.set_yticks(list(labels), labels.values(), fontsize=SMALL)
    axes.set(xlabel=shown.metric, xlim=(0, 1.1), ylim=(top, -0.3))
    axes.grid(alpha=0.3, axis='x')
    axes.set_axisbelow(True)
    axes.spines[['left', 'top', 'right']].set_visible(False)
    axes.tick_params(axis='y', length=0)
    lines = _describe(figure, shown, points, papers)
    figure.set_size_inches(WIDTH, 0.7 + 0.2 * lines + ROW * top)
    return figure


def _reach(point):
    """Return how far the interval of a bar reaches below and above, None without one."""
    if point.low is None:
        return None
    # Rounding may put the value outside.
    return [[max(0, point.value - point.low)], [max(0, point.high - point.value)]]


def line_styles(told):
    """Return {what tells lines apart: line style}: solid, dashed, then one dot more for each."""
    told = sorted(set(told), key=_order)
    styles = ['-', *((0, (5, 2) + (1, 2) * dots) for dots in range(len(told)))]
    return dict(zip(told, styles))


def run_looks(points):
    """Return {(net, run): plot()'s keywords}, unlike each other; the paper's are pale and wide.

    A colour depends on the run's own name, so that it has the same one in every figure. Markers
    tell runs of one colour apart.
    """
    looks, places = {}, Counter()
    for net, run in by_run(points):
        if run == PAPERS_RUN:
            wide = {'marker': '.', 'markersize': 11, 'linewidth': 3.5, 'zorder': 1}
            looks[net, run] = {'color': _pale(net), **wide}
            continue
        colour = colour_of(net, run)
        marker = MARKERS[places[colour] % len(MARKERS)]
        looks[net, run] = {'color': colour, 'marker': marker, 'markersize': 5.5}
        places[colour] += 1
    return looks


def colour_of(net, run):
    """Return a run's colour, of those of its network; the first one for a name without marks."""
    colours, name = NETWORKS[net].colours, own_name(run)
    return colours[zlib.crc32(_marks(net, name).encode(errors='replace')) % len(colours)]


def step_axis(axes, points):
    """Add an upper axis of steps if all measured runs have the same steps per epoch, within 2 %."""
    rates = {round(point.step / point.epochs, 1) for point in points if point.step and point.epochs}
    rate = max(rates, default=0)
    if rates and rate - min(rates) <= 0.02 * rate:
        above = axes.secondary_xaxis('top', functions=(lambda x: x * rate, lambda x: x / rate))
        above.set_xlabel(f'steps ({rate:g} per epoch here; 781 in the paper)')


def label_of(net, run, seed=0):
    """Return what a figure calls a run: its network, and the marks of its name."""
    if run == PAPERS_RUN:
        return f'{NETWORKS[net].title}, {PAPERS_RUN}'
    marks = ', '.join(filter(None, [_marks(net, run), f'seed {seed}' if seed else '']))
    return NETWORKS[net].title + (f' ({marks})' if marks else '')


def _marks(net, run):
    """Return the marks of a run's name, as words."""
    return run.replace(f'checkpoints_{net}', '').strip('_, ').replace('_', ' ')


def _checkpoint(point):
    """Return what the measurements of one checkpoint on one data set share."""
    return point.net, point.run, point.seed, point.epochs, point.setting, point.dataset


def _groups(points, epoch_counts):
    """Return lists of Points, one per run and seed that has bars; the paper's are the last.

    For each k and kind of vectors, the bars show the smallest seed that was measured with them, at
    its largest epoch counts.
    """
    rows, groups = defaultdict(list), defaultdict(list)
    for point in points:
        rows[point.net, point.run, point.k, point.vectors].append(point)
    for (net, run, *_), own in rows.items():
        seed = min(point.seed for point in own)
        own = [point for point in own if point.seed == seed]
        largest = sorted({point.epochs for point in own})[-epoch_counts:]
        groups[net, run, seed] += [point for point in own if point.epochs in largest]
    keys = [(net, run, seed) for (net, run), seeds in by_run(points).items() for seed in seeds]
    keys.sort(key=lambda key: key[1] == PAPERS_RUN)
    return [
        sorted(groups[key], key=lambda point: (point.k, point.epochs, _order(point.vectors)))
        for key in keys
        if key in groups
    ]


def _order(told):
    """Return the place of what tells lines apart: numbers by size, training set and fc1 first."""
    return told if isinstance(told, int) else ('train', FC1, 'test', EMBEDDING).index(told)


def _pale(net):
    """Return the colour of the paper's points: the net's first one, mixed with white."""
    return tuple(1 - 0.3 * (1 - part) for part in to_rgb(NETWORKS[net].colours[0]))


def _entries(shown, points, papers, looks, styles):
    """Return the lines of a legend: runs, line styles, the paper."""
    entries = []
    for (net, run), (first, *others) in by_run(points).items():
        label = label_of(net, run, first)
        if others:
            label += f'; hollow: seed {", ".join(map(str, others))}'
        entries.append(Line2D([], [], **looks[net, run], label=label))
    for told, style in styles.items():
        label = f'k = {told}' if shown.tells == 'k' else told
        entries.append(Line2D([], [], color='black', linestyle=style, label=label))
    for net, run in by_run(papers):
        entries.append(Line2D([], [], **looks[net, run], label=label_of(net, run)))
    return entries


def _legend(figure, entries):
    """Return a legend below the axes, in as many columns as fit."""
    handle = 0.75  # of a column, in inches: the line, and the space around it
    widest = handle + max(inches(entry.get_label(), SMALL) for entry in entries)
    return figure.legend(
        entries,
        [wrapped(entry.get_label(), TEXT_WIDTH - handle, SMALL) for entry in entries],
        loc='outside lower center',
        ncols=max(1, min(3, int(TEXT_WIDTH / widest))),
        fontsize=SMALL,
        handlelength=4,
    )


def _describe(figure, shown, points, papers):
    """Add the title, what was measured on and what looks mean; return the number of lines."""
    title = f'Figure {shown.name}: {shown.title}' if isinstance(shown.name, int) else shown.title
    if shown.bars:
        title += ', largest epoch count' + 's' * (shown.bars > 1)
    notes = ['measured on ' + ' / '.join(sorted({point.setting for point in points}))]
    if any(len(seeds) > 1 for seeds in by_run(points).values()):
        notes.append('first seed of each run' if shown.bars else 'hollow, thin: other seeds')
    if any(point.low is not None for point in points):
        notes.append(f'{"short lines" if shown.bars else "bands"}: 95 % intervals')
    if papers:
        notes.append(f'pale{"" if shown.bars else ", wide"}: {PAPERS_RUN} (100 categories)')
    text = wrapped(f'{title}\n{"; ".join(notes)}', TEXT_WIDTH, MEDIUM)
    figure.suptitle(text, fontsize=MEDIUM)
    return 1 + text.count('\n')
