"""Tables of protocol L (22 categories of 650 + 50, the paper's batch): docs/reproduction.md."""

from sketch.reporting import markdown
from sketch.reporting.points import of_paper
from sketch.runs.names import epochs_text
from tools.fill_tables.cells import (
    AT_49,
    AT_1099,
    BY_CLASS,
    BY_PROBABILITY,
    COMPACT,
    COSINE,
    INTERVAL,
    PAPER,
    PRECISE,
    TEST,
    TRAIN,
    differences_in,
    joined,
    rows_of,
    seeded,
    table,
    value_at,
    with_limits,
)

# In docs/results/: differences to skNet after 7 and 10 epochs (python -m tools.compare).
FROM_7, FROM_10 = 'protocol_l_from_7.csv', 'protocol_l_from_10.csv'
FEW, FEW_FROM_5 = 'L/few/checkpoints_n1', 'protocol_l_few_from_5.csv'  # 100 drawings a category
FEW_EPOCHS = ('5', '10', '15', '20')
SKNET = 'checkpoints_n1'
EPOCHS = ('0', '1', '2', '3', '5', '7', '10', '13', '17', '20', '30')
# The runs, by what the document calls them.
RUNS = {
    'skNet, float32, seed 0': 'L/checkpoints_n1',
}
DEFINITIONS = ('standard', 'paper')
KS = ('49', '1099')
SHAPE = (7, 10, 17)  # epochs that show the course of a curve
# What is shown beside the paper's: metric, split and k there, cell here.
QUANTITIES = {
    'training accuracy': (('accuracy', 'train', 0), TRAIN),
    'test accuracy': (('accuracy', 'test', 0), TEST),
    'mAP@49': (('mAP', 'test', 49), {**AT_49, **PAPER}),
    'mAP of all ranks': (('mAP', 'test', 4999), {**AT_1099, **PAPER}),
}


def tables(values):
    """Return the tables of this module by name."""
    found = {}
    for title, series in RUNS.items():
        found[f'L, {title}'] = against_epochs(values, {'series': series})
        found[f'L, {title}, definitions'] = definitions(values, {'series': series})
    found['L, beside the paper'] = beside_paper(values)
    found['L, changes since 7 epochs'] = since('7', FROM_7, EPOCHS)
    found['L, 100 drawings'] = few(values)
    found['L, 100 drawings, changes since 5 epochs'] = since('5', FEW_FROM_5, FEW_EPOCHS)
    found['L, for the same training time'] = for_the_same_time()
    return found


def against_epochs(values, series):
    """One run: accuracy and mAP at all epochs, as trained and with precise batch norm."""
    columns = {
        'accuracy, test': {**TEST, **INTERVAL},
        'training': TRAIN,
        'test, precise batch norm': {**TEST, **PRECISE},
        'mAP@49': AT_49,
        'mAP@1099': {**AT_1099, **INTERVAL},
        'mAP@1099, cosine': {**AT_1099, **COSINE},
        'mAP@1099, precise batch norm': {**AT_1099, **PRECISE, **INTERVAL},
        'compactness, precise batch norm': {**COMPACT, **PRECISE},
    }
    return table(values, 'epochs', rows_of(EPOCHS), joined(columns, series))


def definitions(values, series):
    """One run: the paper's definition of AP beside the standard one, on the same rankings."""
    columns = {
        f'{name}, {title}{", precise batch norm" if precise else ""}': {
            **at,
            **precise,
            'definition': name,
        }
        for precise in ({}, PRECISE)
        for title, at in (('mAP@49', AT_49), ('mAP@1099', AT_1099))
        for name in DEFINITIONS
    }
    return table(values, 'epochs', rows_of(EPOCHS), joined(columns, series))


def beside_paper(values):
    """The paper's numbers of skNet and those here, at three epoch counts, and how they change."""
    first, *others = SHAPE
    header = [f'{count} epochs' for count in SHAPE] + [f'{count} over {first}' for count in others]
    lines = [["skNet, the paper's definition of mAP", *header]]
    papers = [point for points in of_paper().values() for point in points if point.net == 'n1']
    for title, (paper, cell) in QUANTITIES.items():
        theirs = [
            point.value
            for count in SHAPE
            for point in papers
            if (point.metric, point.split, point.k) == paper and abs(point.epochs - count) < 0.2
        ]
        run = {**cell, 'series': f'L/{SKNET}'}
        ours = [value_at(values, {**run, 'epochs': str(count)}) for count in SHAPE]
        lines += [[f'{title}, the paper', *_shape(theirs)], [f'{title}, here', *_shape(ours)]]
    return markdown.table(lines)


def few(values):
    """100 training drawings of each category: skNet, two seeds."""
    columns = {
        'accuracy, training': TRAIN,
        'test': {**TEST, **INTERVAL},
        'test, precise batch norm': {**TEST, **PRECISE},
        'mAP@49': AT_49,
        'mAP@1099': {**AT_1099, **INTERVAL},
        'mAP@1099, precise batch norm': {**AT_1099, **PRECISE, **INTERVAL},
    }
    rows = {
        f'{count}, seed {seed}': {**seeded({'series': FEW}, seed), 'epochs': count}
        for seed in (0, 1)
        for count in FEW_EPOCHS
    }
    return table(values, 'epochs', rows, columns)


def since(first, name, counts):
    """Other epoch counts of skNet minus the first, on the same queries."""
    marks = {'': '', ', precise batch norm': '_precise-bn'}
    marks |= {f', seed 1{title}': f'_seed1{mark}' for title, mark in marks.items()}
    rows = {}
    for count in counts:
        for title, mark in marks.items():
            run = {'run': f'{SKNET}{mark}_{count}e', 'distance': 'euclidean'}
            rows[epochs_text(float(count)) + title] = run
    return _differences(f'minus {first} epochs', name, rows)


def for_the_same_time():
    """What raises mAP without more training than the paper's 10 epochs."""
    rows = {
        'cosine distance': {'distance': 'cosine'},
        "the query's class first": BY_CLASS,
        'by probability of one class': BY_PROBABILITY,
        'precise batch norm': PRECISE,
        'precise batch norm, cosine distance': {**PRECISE, 'distance': 'cosine'},
        'precise batch norm, by probability': {**PRECISE, **BY_PROBABILITY},
    }
    rows = {
        title: {
            'distance': 'euclidean',
            **row,
            'run': f'{SKNET}{row.get("statistics", "")}_10e',
        }
        for title, row in rows.items()
    }
    return _differences('skNet, 10 epochs', FROM_10, rows)


def _differences(first, name, rows):
    """Return a table of differences in the standard definition, with intervals."""
    found = {
        (row['run'], row['distance'], row['variant'], row['k']): row for row in differences_in(name)
    }
    lines = []
    for title, row in rows.items():
        cells = [found.get((row['run'], row['distance'], row.get('variant', ''), k)) for k in KS]
        if any(cells):
            lines.append([title, *map(with_limits, cells)])
    return markdown.table([[first, *(f'mAP@{k}' for k in KS)], *lines]) if lines else ''


def _shape(values):
    """Return the cells of values at the epochs of SHAPE, and what they are of the first."""
    values = [*values, *[None] * (len(SHAPE) - len(values))]
    plain = ['' if value is None else f'{value:.3f}' for value in values]
    first, *others = values
    ratios = ['' if None in (first, value) else f'{value / first:.2f}' for value in others]
    return [*plain, *ratios]
