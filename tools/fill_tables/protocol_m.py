"""Tables of protocol M (protocol L in batches of 32, up to 8,937 steps): docs/reproduction.md."""

from statistics import fmean

from sketch.reporting import markdown
from tools.fill_tables.cells import (
    AT_49,
    AT_1099,
    COSINE,
    PRECISE,
    TEST,
    TRAIN,
    differences_in,
    seeded,
    signed,
    value_at,
    with_limits,
)

EPOCHS = ('1', '2', '4', '7', '10', '12', '14', '20')
STEPS = 14_300 / 32  # an epoch
SEEDS = (0, 1, 2)
NARROW = {'series': 'M/checkpoints_n1_filters16-16-16-16_batch32'}
DIFFERENCES = 'protocol_m_16_differences.csv'  # of 20 epochs, from 4 and from 12
STATISTICS = {'as trained': {}, 'precise batch norm': PRECISE}
MEASURES = {'mAP@1099': AT_1099, 'mAP@49': AT_49, 'mAP@1099, cosine': {**AT_1099, **COSINE}}
FALL = -0.005  # of the rule in docs/reproduction.md


def tables(values):
    """Return the tables of this module by name."""
    return {
        **{f'M, 16 filters, {title}': means(values, also) for title, also in STATISTICS.items()},
        'M, 16 filters, the rule': judged(),
    }


def means(values, statistics):
    """Return a table of the means over seeds at each epoch count."""
    columns = {'training accuracy': TRAIN, 'test accuracy': TEST, **MEASURES}
    lines = []
    for epochs in EPOCHS:
        rows = [{**seeded(NARROW, seed), **statistics, 'epochs': epochs} for seed in SEEDS]
        cells = [[value_at(values, {**cell, **row}) for row in rows] for cell in columns.values()]
        lines.append([epochs, f'{int(int(epochs) * STEPS):,}', *map(_mean, cells)])
    kept = [place for place in range(len(lines[0])) if any(line[place] for line in lines)]
    titles = ['epochs', 'steps', *columns]
    return markdown.table([[line[place] for place in kept] for line in [titles, *lines]])


def judged():
    """Return a table of 20 epochs minus 4 and minus 12, seed by seed, and what the rule says."""
    found = {
        (row['run'], row['reference'], row['distance'], row['k']): row
        for row in differences_in(DIFFERENCES)
    }
    lines = [['20 epochs minus', 'measure', *(f'seed {seed}' for seed in SEEDS), 'mean', 'rule']]
    for title, statistics in STATISTICS.items():
        for first in ('4', '12'):
            for measure, cell in MEASURES.items():
                rows = []
                for seed in SEEDS:
                    run = seeded(NARROW, seed)['series'].removeprefix('M/')
                    run += statistics.get('statistics', '')
                    key = f'{run}_20e', f'{run}_{first}e', cell['distance'], cell['k']
                    rows.append(found[key])
                numbers = [
                    [float(row[name]) for name in ('difference', 'low', 'high')] for row in rows
                ]
                mean = signed(fmean(difference for difference, _, _ in numbers))
                said = mean, verdict(numbers)
                lines.append([f'{first}, {title}', measure, *map(with_limits, rows), *said])
    return markdown.table(lines)


def verdict(rows):
    """Return what the rule of docs/reproduction.md says of (difference, low, high), one a seed."""
    below = sum(high < 0 for _, _, high in rows)
    if below >= 2 and fmean(row[0] for row in rows) < FALL:
        return 'falls'
    return 'does not fall' if all(low > FALL for _, low, _ in rows) else 'undecided'


def _mean(numbers):
    """Return the text of a mean, empty unless all seeds have the value."""
    return '' if None in numbers else f'{fmean(numbers):.3f}'
