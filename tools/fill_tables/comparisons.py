"""Tables of docs/reproduction.md that compare trainings of one seed: versions, precisions."""

import statistics

from sketch.networks.registry import NETWORKS
from sketch.reporting import markdown
from sketch.runs.names import epochs_text
from tools.fill_tables.cells import (
    AT_49,
    AT_999,
    COSINE,
    PRECISE,
    STACKS,
    TEST,
    seeded,
    signed,
    table,
    value_at,
)

SEEDS = range(5)  # at most; a seed that was not run has no row
PRECISIONS = {'float32': '', 'mixed': '_mixed'}  # with the marks of their runs
AT_8 = {
    title: {**column, 'epochs': '8'}
    for title, column in {
        'accuracy': TEST,
        'accuracy, precise batch norm': {**TEST, **PRECISE},
        'mAP@49': AT_49,
        'mAP@999': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
    }.items()
}


def tables(values):
    """Return the tables of this module by name."""
    return {
        'stacks': stacks(values),
        'precisions': precisions(values),
        'precision differences': precision_differences(values),
    }


def stacks(values):
    """The same trainings on both versions of TensorFlow."""
    columns = {
        'accuracy, test': TEST,
        'mAP@49': AT_49,
        'mAP@999': AT_999,
        'mAP@999, cosine': {**AT_999, **COSINE},
    }
    rows = {
        f'{network.title}, {epochs_text(float(count))}, {stack}': {
            'series': f'{before}checkpoints_{net}_batch32',
            'epochs': count,
        }
        for net, network in NETWORKS.items()
        for count in ('1', '3')
        for stack, before in STACKS.items()
    }
    return table(values, 'seed 0', rows, columns)


def precisions(values):
    """The same trainings in float32 and in mixed precision."""
    columns = {f'accuracy, {count} epochs': {**TEST, 'epochs': count} for count in '4567'}
    columns |= {f'{title}, 8 epochs': column for title, column in AT_8.items()}
    rows = {
        f'{network.title}, seed {seed}, {precision}': _series(net, seed, precision)
        for net, network in NETWORKS.items()
        for seed in SEEDS
        for precision in PRECISIONS
    }
    return table(values, 'test set', rows, columns)


def precision_differences(values):
    """Mixed minus float32 of each seed; from three seeds on their mean, and float32's spread."""
    lines = [['mixed minus float32, 8 epochs', *AT_8]]
    for net, network in NETWORKS.items():
        pairs = {seed: _pairs(values, net, seed) for seed in SEEDS}
        measured = {seed: row for seed, row in pairs.items() if None not in row}
        changes = {
            seed: [mixed - float32 for float32, mixed in row] for seed, row in measured.items()
        }
        for seed, row in changes.items():
            lines.append([f'{network.title}, seed {seed}', *map(signed, row)])
        if len(measured) > 2:
            means = map(_mean, zip(*changes.values()))
            lines.append([f'{network.title}, mean ± standard error', *means])
            spreads = [_spread(column) for column in zip(*measured.values())]
            lines.append([f"{network.title}, float32's standard deviation between seeds", *spreads])
    return markdown.table(lines)


def _series(net, seed, precision):
    before, mark = f'precision/checkpoints_{net}_batch32', PRECISIONS[precision]
    return {'series': seeded({'series': before}, seed)['series'] + mark}


def _pairs(values, net, seed):
    """Return for each of AT_8 the values in float32 and in mixed precision, None without both."""
    both = [_series(net, seed, name) for name in PRECISIONS]
    pairs = [[value_at(values, {**cell, **series}) for series in both] for cell in AT_8.values()]
    return [None if None in pair else pair for pair in pairs]


def _mean(changes):
    error = statistics.stdev(changes) / len(changes) ** 0.5
    return f'{signed(statistics.mean(changes))} ± {error:.3f}'


def _spread(pairs):
    return f'{statistics.stdev(float32 for float32, _ in pairs):.3f}'
