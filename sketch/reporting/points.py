"""The numbers that figures show: measured ones, and the paper's own."""

import csv
import itertools
import re
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from sketch.errors import InputError
from sketch.networks.registry import NETWORKS
from sketch.reporting import results
from sketch.runs.names import series

PAPER = Path(__file__).parents[2] / 'docs' / 'results' / 'paper_figures.csv'
PAPERS_RUN = 'the paper'
NOTE = ', '  # before each note that tells runs of one name apart
FC1, EMBEDDING = 'fc1', 'embedding'
_VECTORS = {'': FC1, 'embedding': EMBEDDING}  # by the variant in results.csv


class Point(NamedTuple):
    """One number of a figure."""

    run: str  # name without its epoch count and seed, or PAPERS_RUN
    net: str
    epochs: float
    metric: str
    split: str
    k: int  # 0 without one
    value: float
    vectors: str = FC1  # or EMBEDDING
    seed: int = 0
    step: float = None  # of the measured checkpoint; None for the paper's points
    setting: str = ''  # what was measured on, for the title
    dataset: str = ''  # digest of the data set, '' if unknown
    images: str = ''  # of the split
    low: float = None  # this and the next: 95 % interval; None without one
    high: float = None


def measured(path, patterns=('*',)):
    """Return the Points of a results file, mAP in the paper's definition with Euclidean distance.

    Their runs match one of the patterns, which have wildcards as in a shell.

    Raises:
        InputError: the table is missing or corrupt, or a pattern matches no run.
    """
    rows = results.read(path)
    if not rows:
        raise InputError(f'{path}: no measurements; run train.py and mAP.py first')
    points, drawn_rows = [], []
    for row in rows:
        as_paper = row['distance'] == 'euclidean' and row['variant'] in _VECTORS
        drawn = {'mAP': as_paper and row['definition'] == 'paper', 'compactness': as_paper}
        if row['epochs'] and drawn.get(row['metric'], True):
            try:
                points.append(_point(row))
                drawn_rows.append(row)
            except ValueError as error:
                raise InputError(f'{path}: {row["run"]}: {error}; correct or remove it') from None
    runs = sorted({point.run for point in points})
    for pattern in patterns if points else ():
        if not any(fnmatchcase(run, pattern) for run in runs):
            raise InputError(f'{pattern}: no such run; {path} has {", ".join(runs)}')
    chosen = [any(fnmatchcase(point.run, p) for p in patterns) for point in points]
    _check_weights(itertools.compress(drawn_rows, chosen), path)
    return list(itertools.compress(points, chosen))


def _check_weights(rows, path):
    """Raise InputError if rows of one run, step and data set are of two networks."""
    weights = {}
    for row in rows:
        if row['weights']:
            key = row['run'], row['step'], row['dataset']
            other = weights.setdefault(key, row)
            if other['weights'] != row['weights']:
                found = ' and '.join(f'{r["weights"]} ({r["time"]})' for r in (other, row))
                raise InputError(
                    f'{path}: {row["run"]}, step {row["step"]}: rows of two networks, with weights '
                    f'{found}; remove those of one'
                )


def of_paper():
    """Return the paper's own Points by the number of their figure."""
    figures = defaultdict(list)
    with open(PAPER, encoding='utf-8', newline='') as file:
        for row in csv.DictReader(file):
            shown = {name: row[name] for name in ('net', 'metric', 'split')}
            numbers = {name: float(row[name]) for name in ('epochs', 'value')}
            point = Point(PAPERS_RUN, k=_whole(row['k']), **shown, **numbers)
            figures[int(row['figure'])].append(point)
    return figures


def told_apart(points):
    """Return the points of one figure with runs on different data under different names.

    No line and no bar joins measurements on different data sets, sizes or numbers of categories.
    Where the data sets are unknown, other numbers of images tell them apart.
    """
    settings = {point.setting for point in points}
    datasets, images = defaultdict(set), defaultdict(set)
    for point in points:
        datasets[point.setting].add(point.dataset)
        images[point.setting, point.dataset, point.split].add(point.images)

    def told(point):
        notes = [point.setting] * (len(settings) > 1)
        if len(datasets[point.setting]) > 1:
            notes.append(f'data {point.dataset[:6] or "unknown"}')
        if len(images[point.setting, point.dataset, point.split]) > 1:
            notes.append(f'{point.images or "unknown"} {point.split} images')
        return point._replace(run=NOTE.join([point.run, *notes]))

    return [told(point) for point in points]


def own_name(run):
    """Return the name of a run without the notes of told_apart."""
    return run.partition(NOTE)[0]


def by_run(points):
    """Return {(net, run): its seeds, smallest first}, skNet first, runs as a person sorts them."""
    seeds = defaultdict(set)
    for point in points:
        seeds[point.net, point.run].add(point.seed)
    keys = sorted(seeds, key=lambda key: list(map(_natural, key)))
    return {key: sorted(seeds[key]) for key in keys}


def _point(row):
    """Return the Point of a row of results.csv; raise ValueError without known net, step, split."""
    if row['net'] not in NETWORKS:
        raise ValueError(f'net is {row["net"] or "empty"}, not one of {", ".join(NETWORKS)}')
    for column in ('step', 'split'):
        if not row[column]:
            raise ValueError(f'{column} is empty')
    seed = _whole(row['seed'])
    limits = ('low', 'high') if row['low'] else ()
    return Point(
        # The seed is a column of its own: without it, all seeds of a run have one name.
        run=series(row['run']).replace(f'_seed{seed}', '') if row['seed'] else series(row['run']),
        k=_whole(row['k']),
        seed=seed,
        vectors=_VECTORS.get(row['variant'], FC1),
        setting=f'{row["classes"]} categories, {row["size"]} pixels',
        **{name: float(row[name]) for name in ('epochs', 'step', 'value', *limits)},
        **{name: row[name] for name in ('net', 'metric', 'split', 'dataset', 'images')},
    )


def _whole(text):
    """Return the whole number that a cell holds, 0 if it is empty."""
    return int(text or 0)


def _natural(text):
    """Return a key that sorts numbers inside text as numbers: batch8 before batch32."""
    return [
        (int(part), '') if part.isdecimal() else (-1, part) for part in re.split(r'(\d+)', text)
    ]
