"""Tables of docs/reproduction.md that compare trainings of one seed: versions, precisions."""

from sketch.networks.registry import TITLES
from sketch.runs.names import epochs_text
from tools.fill_tables.cells import AT_49, AT_999, COSINE, PRECISE, STACKS, TEST, table


def tables(values):
    """Return the tables of this module by name."""
    return {'stacks': stacks(values), 'precisions': precisions(values)}


def stacks(values):
    """The same trainings on both versions of TensorFlow."""
    columns = {
        'accuracy, test': TEST,
        'mAP@49': AT_49,
        'mAP@999': AT_999,
        'mAP@999, cosine': {**AT_999, **COSINE},
    }
    rows = {
        f'{title}, {epochs_text(float(count))}, {stack}': {
            'series': f'{before}checkpoints_{net}_batch32',
            'epochs': count,
        }
        for net, title in TITLES.items()
        for count in ('1', '3')
        for stack, before in STACKS.items()
    }
    return table(values, 'seed 0', rows, columns)


def precisions(values):
    """The same trainings in float32 and in mixed precision."""
    columns = {f'accuracy, {count} epochs': {**TEST, 'epochs': count} for count in '45678'}
    at_8 = {
        'accuracy, precise batch norm': {**TEST, **PRECISE},
        'mAP@49': AT_49,
        'mAP@999': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
    }
    columns |= {f'{title}, 8 epochs': {**column, 'epochs': '8'} for title, column in at_8.items()}
    rows = {
        f'{title}, seed {seed}, {precision}': {
            'series': f'precision/checkpoints_{net}_batch32{of_seed}{mark}'
        }
        for net, title in TITLES.items()
        for seed, of_seed in ((0, ''), (1, '_seed1'))
        for precision, mark in (('float32', ''), ('mixed', '_mixed'))
    }
    return table(values, 'test set', rows, columns)
