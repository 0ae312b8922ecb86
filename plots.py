"""Draws the paper's figures 3 to 7 from what was measured, the paper's own points faint behind.

Figures 1 and 2, the networks, are drawn by tools/draw_networks.py.

    python plots.py --results results.csv --out figures

Takes the table that train.py, load.py and mAP.py keep. Leaves figure_3 (accuracy against epochs),
figure_4 and figure_5 (accuracy on the training and test set at the largest epoch counts), figure_6
(mAP against epochs), figure_7 (mAP at the largest epoch counts) and figure_compactness (distance
within categories over that between, against epochs), each as PNG and SVG. The mAP is in the paper's
reading. The paper's points (paper_figures.csv) were read off the images of its figures, to 0.003;
they come from 100 categories of 1000 + 50 drawings.
"""

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from sketch import command_line
from sketch.errors import InputError
from sketch.evaluation import results
from sketch.runs.names import TITLES, series

PAPER = Path(__file__).parent / 'docs' / 'results' / 'paper_figures.csv'
COLOURS = {'n1': 'tab:blue', 'n2': 'tab:red'}
MARKERS = 'osD^vP*X'  # one a run, whatever its seed, where a net has several
LINES = {'train': '-', 'test': '--'}
BARS = (4, 5, 7)  # figures
LARGEST = 2  # bars show so many of the largest epoch counts; the paper's are 60 and 90
PAPERS_RUN = 'the paper'


class Point(NamedTuple):
    """One number of a figure."""

    run: str  # name without its epoch count, or PAPERS_RUN
    net: str
    epochs: float
    metric: str
    split: str
    k: str
    value: float
    step: float  # of the run; None for the paper's points
    setting: str  # what was measured on, for a note below the figure


def measured_points(path):
    """Return the Points of a results file, mAP in the paper's reading with Euclidean distance.

    Raises:
        InputError: the table is missing or damaged.
    """
    rows = results.read(path)
    if not rows:
        raise InputError(f'{path}: no measurements; run train.py and mAP.py first')
    points = []
    for row in rows:
        as_paper = (row['distance'], row['variant']) == ('euclidean', '')
        drawn = {'mAP': as_paper and row['reading'] == 'paper', 'compactness': as_paper}
        if row['epochs'] and drawn.get(row['metric'], True):
            try:
                points.append(
                    Point(
                        run=series(row['run']),
                        epochs=float(row['epochs']),
                        value=float(row['value']),
                        step=float(row['step']),
                        setting=f'{row["classes"]} categories, {row["size"]} pixels',
                        **{key: row[key] for key in ('net', 'metric', 'split', 'k')},
                    )
                )
            except ValueError:
                raise InputError(f'{path}: {row["run"]}: epochs, step or value no number') from None
    return points


def paper_points():
    """Return the paper's own Points by the number of their figure."""
    figures = defaultdict(list)
    with open(PAPER, encoding='utf-8', newline='') as file:
        for row in csv.DictReader(file):
            figure, epochs, value = int(row.pop('figure')), row.pop('epochs'), row.pop('value')
            point = Point(PAPERS_RUN, epochs=float(epochs), value=float(value), step=None,
                          setting='', **row)  # fmt: skip
            figures[figure].append(point)
    return figures


def curves(axes, points, style):
    """Draw one line per run, split and k against epochs; `style` gives a series' appearance."""
    lines = defaultdict(list)
    for point in points:
        lines[point.run, point.net, point.split, point.k].append((point.epochs, point.value))
    # By run and net, training before test, small k first, as the legend lists them.
    for (run, net, split, k), values in sorted(
        lines.items(), key=lambda item: (item[0][:2], item[0][2] == 'test', int(item[0][3] or 0))
    ):
        axes.plot(*zip(*sorted(values)), **style(run, net, split, k))
    axes.set_xlabel('epochs')
    axes.grid(alpha=0.3)


def step_axis(axes, points):
    """Add the steps of one's own runs above, if an epoch has the same number of steps in all."""
    rates = {round(point.step / point.epochs, 1) for point in points if point.step and point.epochs}
    if rates and max(rates) - min(rates) <= 0.02 * max(rates):
        rate = max(rates)
        above = axes.secondary_xaxis('top', functions=(lambda x: x * rate, lambda x: x / rate))
        above.set_xlabel(f'steps ({rate:g} an epoch here; the paper: 781)')


def without_other_seeds(points):
    """Return the points less those of runs that are there with the usual seed, too."""
    runs = {point.run for point in points}
    return [point for point in points if _usual_seed(point.run) not in runs - {point.run}]


def _usual_seed(run):
    return re.sub(r'_seed\d+', '', run)


def bars(axes, points):
    """Draw the largest epoch counts of each run as bars, the value above each."""
    groups = defaultdict(dict)
    for point in points:
        groups[point.run, point.net, point.k][point.epochs] = point.value
    drawn = 0
    for (run, net, k), values in sorted(groups.items()):
        for epochs in sorted(values)[-LARGEST:]:
            label = label_of(run, net) + (f', k = {k}' if k else '') + f', {epochs:g} epochs'
            faint = run == PAPERS_RUN
            bar = axes.barh(label, values[epochs], color=COLOURS[net], alpha=0.3 if faint else 0.9)
            axes.bar_label(bar, fmt='%.3f', padding=3)
            drawn += 1
    axes.set_xlim(0, 1.1)
    axes.invert_yaxis()
    axes.grid(alpha=0.3, axis='x')
    axes.figure.set_size_inches(8, 1.6 + 0.32 * drawn)


def label_of(run, net):
    """Return what a legend calls a run."""
    marks = run.replace(f'checkpoints_{net}', '').strip('_').replace('_', ' ')
    return TITLES[net] + (f' ({marks})' if marks else '')


def draw_curves(points, papers, metric, title, out, name):
    """Draw a figure of curves and save it."""
    figure, axes = plt.subplots(figsize=(10, 5.2), layout='constrained')
    first, epochs = defaultdict(dict), defaultdict(set)
    for net, run in sorted({(point.net, point.run) for point in points}):
        first[net].setdefault(_usual_seed(run), run)
    for point in points:
        epochs[point.run].add(point.epochs)
    ks = sorted({point.k for point in points if point.k}, key=int)

    def appearance(run, net, split, k):
        line = ('-', '--', '-.', ':')[ks.index(k) % 4] if k else LINES[split]
        what = f'k = {k}' if k else split
        # Another seed of a run that is there looks as that run does, and needs no legend as a dot.
        same = _usual_seed(run)
        extra = first[net][same] != run
        return {
            'color': COLOURS[net],
            'linestyle': line,
            'marker': MARKERS[list(first[net]).index(same) % len(MARKERS)],
            'alpha': 0.4 if extra else 1,
            'label': None if extra and len(epochs[run]) == 1 else f'{label_of(run, net)}, {what}',
        }

    def faint(run, net, split, k):
        dashed = split == 'test' if metric == 'accuracy' else k == '4999'
        what = split if metric == 'accuracy' else f'k = {k}'
        return {
            'color': COLOURS[net],
            'linestyle': '--' if dashed else '-',
            'marker': '.',
            'alpha': 0.25,
            'label': f'{PAPERS_RUN}: {TITLES[net]}, {what}',
        }

    curves(axes, papers, faint)
    curves(axes, points, appearance)
    step_axis(axes, points)
    axes.set_ylabel(metric)
    if metric != 'compactness':  # whose values are close together
        axes.set_ylim(0, 1.03 if metric == 'accuracy' else None)
    axes.set_xlim(0, None)
    axes.legend(fontsize='small', loc='upper left', bbox_to_anchor=(1.01, 1))
    describe(figure, points, papers, title)
    save(figure, out, name)


def draw_bars(points, papers, title, xlabel, out, name):
    """Draw a figure of bars and save it."""
    figure, axes = plt.subplots(layout='constrained')
    bars(axes, [*without_other_seeds(points), *papers])
    axes.set_xlabel(xlabel)
    describe(figure, points, papers, title)
    save(figure, out, name)


def describe(figure, points, papers, title):
    """Add the title and what was measured on."""
    settings = ' / '.join(sorted({point.setting for point in points}))
    faint = '; faint: the paper' if papers else ''
    figure.suptitle(f'{title}\nmeasured on {settings}{faint}', fontsize='medium')


def save(figure, out, name):
    """Write a figure as PNG and SVG, the same bytes for the same numbers; return the PNG's path."""
    matplotlib.rcParams['svg.hashsalt'] = 'figures'
    for ending in ('png', 'svg'):
        metadata = {'Date': None} if ending == 'svg' else None
        figure.savefig(out / f'{name}.{ending}', dpi=150, metadata=metadata)
    plt.close(figure)
    return out / f'{name}.png'


def main(argv=None):
    """Parse the command line and draw."""
    arguments = command_line.parser(__doc__)
    command_line.add_results(arguments)
    arguments.add_argument(
        '--out', type=Path, default=Path('figures'), help='folder that receives the figures'
    )
    options = arguments.parse_args(argv)
    points, papers = measured_points(options.results), paper_points()
    options.out.mkdir(parents=True, exist_ok=True)

    def of(metric, split=None):
        return [
            point for point in points if point.metric == metric and split in (None, point.split)
        ]

    drawn = []
    for number, metric, split, title in (
        (3, 'accuracy', None, 'Figure 3: accuracy against epochs'),
        (4, 'accuracy', 'train', 'Figure 4: accuracy on the training set, largest epoch counts'),
        (5, 'accuracy', 'test', 'Figure 5: accuracy on the test set, largest epoch counts'),
        (6, 'mAP', None, "Figure 6: mAP against epochs (the paper's reading)"),
        (7, 'mAP', None, "Figure 7: mAP at the largest epoch counts (the paper's reading)"),
        (
            'compactness',
            'compactness',
            None,
            'Compactness: distance within over distance between categories',
        ),
    ):
        chosen = of(metric, split)
        if not chosen:
            print(f'figure {number} left out: {options.results} has no {metric} for it')
            continue
        name = f'figure_{number}'
        if number not in BARS:
            draw_curves(chosen, papers[number], metric, title, options.out, name)
        else:
            draw_bars(chosen, papers[number], title, metric, options.out, name)
        drawn.append(str(options.out / f'{name}.png'))
    print('\n'.join(drawn))


if __name__ == '__main__':
    command_line.run(main)
