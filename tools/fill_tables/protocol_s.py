"""Tables of protocol S (20 categories of 200 + 50, batch 32): docs/reproduction.md, README.md."""

from sketch.networks.registry import BOTH, NETWORKS, TRIPLET
from tools.fill_tables.cells import (
    AT_49,
    AT_499,
    AT_999,
    BY_CLASS,
    BY_PROBABILITY,
    COMPACT,
    COSINE,
    EMBEDDING,
    INTERVAL,
    PAPER,
    PRECISE,
    TEST,
    TRAIN,
    joined,
    rows_of,
    seeded,
    table,
)

EPOCHS = ('0', '0.25', '0.5', *map(str, range(1, 11)))
SUMMARY = ('0', '1', '3', '5', '10')  # epochs in README.md
SERIES = {net: {'series': f'checkpoints_{net}_batch32_momentum0.99'} for net in NETWORKS}


def tables(values):
    """Return the tables of this module by name."""
    found = {
        'summary': summary(values),
        'untrained': untrained(values),
        'sides': sides(values),
    }
    for net, network in NETWORKS.items():
        found[f'{network.title}, against epochs'] = against_epochs(values, SERIES[net])
        found[f'{network.title}, statistics'] = statistics(values, SERIES[net])
        found[f'{network.title}, reordered'] = reordered(values, SERIES[net])
        found[f'{network.title}, seeds'] = seeds(values, SERIES[net])
        found[f'{network.title}, changes'] = changes(values, network.title, SERIES[net])
    return found


def summary(values):
    """README.md: both networks after few and many epochs."""
    columns = {
        'test accuracy': TEST,
        'mAP@999': AT_999,
        'by class': {**AT_999, **BY_PROBABILITY},
    }
    both = {
        f'{network.title}, {name}': {**column, **SERIES[net]}
        for net, network in NETWORKS.items()
        for name, column in columns.items()
    }
    return table(values, 'epochs', rows_of(SUMMARY), both)


def against_epochs(values, series):
    """One network: accuracy and mAP at all epochs."""
    columns = {
        'accuracy, test': {**TEST, **INTERVAL},
        'training': TRAIN,
        'test, precise batch norm': {**TEST, **PRECISE},
        'mAP@49 standard': AT_49,
        'mAP@49 paper': {**AT_49, **PAPER},
        'mAP@999 standard': AT_999,
        'mAP@999 paper': {**AT_999, **PAPER},
        'mAP@999 standard, cosine': {**AT_999, **COSINE},
    }
    return table(values, 'epochs', rows_of(EPOCHS), joined(columns, series))


def statistics(values, series):
    """One network: what precise batch norm changes."""
    columns = {
        'mAP@999, as trained': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
        'compactness, as trained': COMPACT,
        'compactness, precise batch norm': {**COMPACT, **PRECISE},
    }
    return table(values, 'epochs', rows_of(EPOCHS), joined(columns, series))


def reordered(values, series):
    """One network: what reordering the retrieved images by class changes."""
    columns = {
        'order of distance': AT_999,
        'same class first': {**AT_999, **BY_CLASS},
        'by probability': {**AT_999, **BY_PROBABILITY},
        'by probability, precise batch norm': {**AT_999, **BY_PROBABILITY, **PRECISE},
    }
    return table(values, 'epochs', rows_of(EPOCHS), joined(columns, series))


def seeds(values, series):
    """One network: two seeds side by side."""
    columns = {
        'accuracy, test': TEST,
        'test, precise batch norm': {**TEST, **PRECISE},
        'mAP@999': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
    }
    both = {
        f'{name}: seed {seed}': {**column, **seeded(series, seed)}
        for name, column in columns.items()
        for seed in (0, 1)
    }
    return table(values, 'epochs', rows_of(EPOCHS), both)


def untrained(values):
    """Both networks without training, with five seeds."""
    rows = {
        f'{network.title}, seed {seed}': seeded(SERIES[net], seed)
        for net, network in NETWORKS.items()
        for seed in range(5)
    }
    columns = {
        'mAP@999, as trained': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
        'compactness, as trained': COMPACT,
        'compactness, precise batch norm': {**COMPACT, **PRECISE},
    }
    return table(values, 'untrained', rows, joined(columns, {'epochs': '0'}))


def sides(values):
    """Question 3: skNet at two image sizes."""
    columns = {
        'accuracy, test': TEST,
        'training': TRAIN,
        'mAP@49': AT_49,
        'mAP@499': AT_499,
        'mAP@499, cosine': {**AT_499, **COSINE},
        'mAP@499, precise batch norm': {**AT_499, **PRECISE},
        'mAP@499, cosine, precise batch norm': {**AT_499, **COSINE, **PRECISE},
    }
    rows = {side: {'size': side} for side in ('128', '256')}
    run = {'series': 'checkpoints_n1_batch16_momentum0.99', 'epochs': '5'}
    return table(values, 'side', rows, joined(columns, run))


def changes(values, title, series):
    """Questions 4 and 5: one change at a time, with two seeds where there are two."""
    paper = series['series']
    alone, both = (paper.replace('_batch', f'_{loss}_batch') for loss in (TRIPLET, BOTH))
    lines = {
        'as the paper trains': series,
        '`--augment`': {'series': f'{paper}_augment'},
        '`--learning-rate-decay 0.7`': {'series': paper.replace('_momentum', '_decay0.7_momentum')},
        '`--loss triplet`: fc1': {'series': alone},
        '`--loss triplet`: embedding': {'series': alone, **EMBEDDING},
        '`--loss triplet-and-cross-entropy`: fc1': {'series': both},
        '`--loss triplet-and-cross-entropy`: embedding': {'series': both, **EMBEDDING},
    }
    rows = {
        name + (f', seed {seed}' if seed else ''): {**line, **seeded(line, seed)}
        for name, line in lines.items()
        for seed in (0, 1)
    }
    columns = {
        'accuracy, test': TEST,
        'test, precise batch norm': {**TEST, **PRECISE},
        'mAP@49': AT_49,
        'mAP@999': AT_999,
        'mAP@49, cosine': {**AT_49, **COSINE},
        'mAP@999, cosine': {**AT_999, **COSINE},
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
        'mAP@999, cosine, precise batch norm': {**AT_999, **COSINE, **PRECISE},
    }
    return table(values, f'{title}, 5 epochs', rows, joined(columns, {'epochs': '5'}))
