"""Draws the paper's figures 3 to 7 from what was measured, with the paper's own points faint.

    python plots.py --results results.csv --out figures

Takes the table that train.py, load.py and mAP.py keep. Leaves, as PNG and SVG:
    figure_3             accuracy against epochs
    figure_4, figure_5   accuracy on the training and test set at the largest epoch counts
    figure_6             mAP against epochs, in the paper's definition
    figure_7             mAP at the largest epoch counts, in the paper's definition
    figure_compactness   mean distance within over mean distance between categories
The paper's points (docs/results/paper_figures.csv) were read off the images of its figures (values
to 0.003, epochs to 0.05). They come from 100 categories of 1000 + 50 drawings.
tools/draw_networks.py draws figures 1 and 2, the networks.
"""

import csv
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from sketch import command_line
from sketch.errors import InputError
from sketch.evaluation import results
from sketch.networks.registry import TITLES
from sketch.plotting import plain, plt, save_for_print
from sketch.runs.names import series

PAPER = Path(__file__).parent / 'docs' / 'results' / 'paper_figures.csv'
COLOURS = {'n1': 'tab:blue', 'n2': 'tab:red'}
MARKERS = 'osD^vP*X'  # one per run, whatever its seed, where a network has several
LINES = {'train': '-', 'test': '--'}
BARS = (4, 5, 7)  # figures
LARGEST = 2  # epoch counts that bars show; the paper's are 60 and 90
PAPERS_RUN = 'the paper'

# Number, metric, split (None: all) and title of each figure.
FIGURES = (
    (3, 'accuracy', None, 'Figure 3: accuracy against epochs'),
    (4, 'accuracy', 'train', 'Figure 4: accuracy on the training set, largest epoch counts'),
    (5, 'accuracy', 'test', 'Figure 5: accuracy on the test set, largest epoch counts'),
    (6, 'mAP', None, "Figure 6: mAP against epochs (the paper's definition)"),
    (7, 'mAP', None, "Figure 7: mAP at the largest epoch counts (the paper's definition)"),
    (
        'compactness',
        'compactness',
        None,
        'Compactness: distance within over distance between categories',
    ),
)


class Point(NamedTuple):
    """One number of a figure."""

    run: str  # name without its epoch count and seed, or PAPERS_RUN
    seed: str
    net: str
    epochs: float
    metric: str
    split: str
    k: str
    value: float
    step: float  # of the run; None for the paper's points
    setting: str  # what was measured on, for the title
    dataset: str  # digest of the data set, '' if unknown


def measured_points(path):
    """Return the Points of a results file, mAP in the paper's definition with Euclidean distance.

    Raises:
        InputError: the table is missing or corrupt.
    """
    rows = results.read(path)
    if not rows:
        raise InputError(f'{path}: no measurements; run train.py and mAP.py first')
    points = []
    for row in rows:
        as_paper = (row['distance'], row['variant']) == ('euclidean', '')
        drawn = {'mAP': as_paper and row['definition'] == 'paper', 'compactness': as_paper}
        if row['epochs'] and drawn.get(row['metric'], True):
            try:
                points.append(_point(row))
            except ValueError:
                raise InputError(
                    f'{path}: {row["run"]}: epochs, step, seed or value is not a number'
                ) from None
    return points


def paper_points():
    """Return the paper's own Points by the number of their figure."""
    figures = defaultdict(list)
    with open(PAPER, encoding='utf-8', newline='') as file:
        for row in csv.DictReader(file):
            figure, epochs, value = int(row.pop('figure')), row.pop('epochs'), row.pop('value')
            point = Point(PAPERS_RUN, seed='', epochs=float(epochs), value=float(value), step=None,
                          setting='', dataset='', **row)  # fmt: skip
            figures[figure].append(point)
    return figures


def told_apart(points):
    """Return the points of one figure with runs on different data under different names.

    No line and no bar joins measurements on different data sets, sizes or numbers of categories.
    """
    data = {(point.setting, point.dataset) for point in points}

    def told(point):
        notes = [point.setting] * (len({setting for setting, _ in data}) > 1)
        if len({dataset for setting, dataset in data if setting == point.setting}) > 1:
            # Tables of earlier versions do not name the data set, nor the momentum if it was 0.99.
            unknown = 'data unknown' if '_momentum' in point.run else 'before 0.98'
            notes.append(f'data {point.dataset[:6]}' if point.dataset else unknown)
        return point._replace(run=' '.join([point.run, *notes]))

    return [told(point) for point in points]


def curves(axes, points, style):
    """Draw one line per run, seed, split and k against epochs.

    Args:
        axes: to draw on.
        points: Points.
        style: function of the first Point of a line that returns plot()'s keywords.
    """
    lines = defaultdict(list)
    for point in points:
        lines[point.run, point.net, point.seed, point.split, point.k].append(point)

    # The order of the legend: by run and net, training before test, small k first.
    def legend_order(key):
        run, net, seed, split, k = key
        return run, net, seed, split == 'test', int(k or 0)

    for key in sorted(lines, key=legend_order):
        line = sorted(lines[key], key=lambda point: point.epochs)
        axes.plot([p.epochs for p in line], [p.value for p in line], **style(line[0]))
    axes.set_xlabel('epochs')
    axes.grid(alpha=0.3)


def step_axis(axes, points):
    """Add the steps of the measured runs above, if an epoch has the same number in all of them."""
    rates = {round(point.step / point.epochs, 1) for point in points if point.step and point.epochs}
    if rates and max(rates) - min(rates) <= 0.02 * max(rates):
        rate = max(rates)
        above = axes.secondary_xaxis('top', functions=(lambda x: x * rate, lambda x: x / rate))
        above.set_xlabel(f'steps ({rate:g} per epoch here; 781 in the paper)')


def first_seeds(points):
    """Return {(net, run): the first seed} of the points: the one that figures show in full."""
    first = {}
    for point in points:
        key = point.net, point.run
        first[key] = min(first.get(key, point.seed), point.seed, key=_number)
    return first


def bars(axes, points):
    """Draw the largest epoch counts of each run as bars, with their values."""
    groups = defaultdict(dict)
    for point in points:
        groups[point.run, point.net, point.k, point.seed][point.epochs] = point.value
    drawn = 0
    for (run, net, k, seed), values in sorted(groups.items()):
        for epochs in sorted(values)[-LARGEST:]:
            label = label_of(run, net, seed) + (f', k = {k}' if k else '') + f', {epochs:g} epochs'
            faint = run == PAPERS_RUN
            bar = axes.barh(label, values[epochs], color=COLOURS[net], alpha=0.3 if faint else 0.9)
            axes.bar_label(bar, fmt='%.3f', padding=3)
            drawn += 1
    axes.set_xlim(0, 1.1)
    axes.invert_yaxis()
    axes.grid(alpha=0.3, axis='x')
    axes.figure.set_size_inches(8, 1.6 + 0.32 * drawn)


def label_of(run, net, seed=''):
    """Return what a legend calls a run."""
    marks = run.replace(f'checkpoints_{net}', '').strip('_ ').replace('_', ' ')
    marks = ' '.join(filter(None, [marks, f'seed {seed}' if seed not in ('', '0') else '']))
    return plain(TITLES[net] + (f' ({marks})' if marks else ''))


def draw_curves(points, papers, metric, title):
    """Return a figure of curves."""
    figure, axes = plt.subplots(figsize=(10, 5.2), layout='constrained')
    curves(axes, papers, lambda point: _faint_style(point, metric))
    curves(axes, points, _style(points))
    step_axis(axes, points)
    axes.set_ylabel(metric)
    if metric != 'compactness':  # its values are close together
        axes.set_ylim(0, 1.03 if metric == 'accuracy' else None)
    axes.set_xlim(0, None)
    axes.legend(fontsize='small', loc='upper left', bbox_to_anchor=(1.01, 1))
    describe(figure, points, papers, title)
    return figure


def draw_bars(points, papers, metric, title):
    """Return a figure of bars, with the first seed of each run only."""
    figure, axes = plt.subplots(layout='constrained')
    first = first_seeds(points)
    bars(axes, [*(p for p in points if p.seed == first[p.net, p.run]), *papers])
    axes.set_xlabel(metric)
    describe(figure, points, papers, title)
    return figure


def describe(figure, points, papers, title):
    """Add the title and what was measured on."""
    settings = ' / '.join(sorted({point.setting for point in points}))
    faint = '; faint: the paper' if papers else ''
    figure.suptitle(f'{title}\nmeasured on {settings}{faint}', fontsize='medium')


def _point(row):
    """Return the Point of a row of results.csv; raise ValueError if a number is none."""
    _number(row['seed'])
    return Point(
        # The seed is a column of its own: without it, all seeds of a run have one name.
        run=_without_seed(series(row['run']), row['seed']),
        epochs=float(row['epochs']),
        value=float(row['value']),
        step=float(row['step']),
        setting=f'{row["classes"]} categories, {row["size"]} pixels',
        **{key: row[key] for key in ('dataset', 'seed', 'net', 'metric', 'split', 'k')},
    )


def _without_seed(run, seed):
    return run.replace(f'_seed{seed}', '') if seed else run


def _style(points):
    """Return the style of measured lines: colour by net, marker by run, faint for other seeds."""
    first, epochs = first_seeds(points), defaultdict(set)
    ks = sorted({point.k for point in points if point.k}, key=int)
    runs = {net: sorted(run for n, run in first if n == net) for net in TITLES}
    for point in points:
        epochs[point.net, point.run, point.seed].add(point.epochs)

    def style(point):
        other_seed = point.seed != first[point.net, point.run]
        what = f'k = {point.k}' if point.k else point.split
        label = f'{label_of(point.run, point.net, point.seed)}, {what}'
        # A single dot of another seed needs no line in the legend.
        alone = other_seed and len(epochs[point.net, point.run, point.seed]) == 1
        lines = ('-', '--', '-.', ':')
        return {
            'color': COLOURS[point.net],
            'linestyle': lines[ks.index(point.k) % 4] if point.k else LINES[point.split],
            'marker': MARKERS[runs[point.net].index(point.run) % len(MARKERS)],
            'alpha': 0.4 if other_seed else 1,
            'label': None if alone else label,
        }

    return style


def _faint_style(point, metric):
    """Return the style of one of the paper's lines."""
    of_accuracy = metric == 'accuracy'
    dashed = point.split == 'test' if of_accuracy else point.k == '4999'
    return {
        'color': COLOURS[point.net],
        'linestyle': '--' if dashed else '-',
        'marker': '.',
        'alpha': 0.25,
        'label': f'{PAPERS_RUN}: {TITLES[point.net]}, '
        + (point.split if of_accuracy else f'k = {point.k}'),
    }


def _number(seed):
    return int(seed or 0)


def main(argv=None):
    """Parse the command line and draw."""
    arguments = command_line.parser(__doc__)
    command_line.add_results(arguments)
    arguments.add_argument(
        '--out',
        metavar='FOLDER',
        type=Path,
        default=Path('figures'),
        help='folder that receives the figures',
    )
    options = arguments.parse_args(argv)
    points, papers = measured_points(options.results), paper_points()
    options.out.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number, metric, split, title in FIGURES:
        chosen = [p for p in points if p.metric == metric and split in (None, p.split)]
        chosen = told_apart(chosen)
        if not chosen:
            print(f'figure {number} skipped: {options.results} has no {metric} for it')
            continue
        draw = draw_bars if number in BARS else draw_curves
        figure = draw(chosen, papers[number], metric, title)
        drawn.append(str(save_for_print(figure, options.out, f'figure_{number}')))
    print('\n'.join(drawn))


if __name__ == '__main__':
    command_line.run(main)
