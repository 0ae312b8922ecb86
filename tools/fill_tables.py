"""Fills the tables of README.md and of two pages in docs/ from the measurements in docs/results/.

    python -m tools.fill_tables

A table stands below a line <!-- table: its name -->. A value that was not measured is an empty
cell. A row or column without any value is left out. The tables of speeds (benchmarks/report.py)
keep what the document says until `python -m benchmarks` has measured any.
tests/test_documents.py fails if a table is out of date.
"""

import re
from pathlib import Path

from benchmarks import performance, report
from benchmarks.rows import markdown
from sketch import atomic, command_line
from sketch.evaluation import results
from sketch.networks.registry import BOTH, TITLES, TRIPLET
from sketch.runs.names import epochs_text

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = tuple(
    ROOT / name for name in ('README.md', 'docs/reproduction.md', 'docs/performance.md')
)
# In docs/results/, with what goes before the names of its runs: these trained the same runs twice.
STACKS = {'TensorFlow 2.15.1': '2.15/', 'TensorFlow 2.21.0': '2.21/'}
MEASURED = {
    **dict.fromkeys(('reproduction.csv', 'changes.csv', 'sizes.csv'), ''),
    'tensorflow_2.15.csv': '2.15/',
    'tensorflow_2.21.csv': '2.21/',
    'precision.csv': 'precision/',
}
PLACE = re.compile(r'<!-- table: (.+) -->\n(?:\|.*\n)*')

KEY = ('run', 'epochs', 'size', 'metric', 'split', 'definition', 'distance', 'variant', 'k')
EPOCHS = ('0', '0.25', '0.5', *map(str, range(1, 11)))
SUMMARY = ('0', '1', '3', '5', '10')  # epochs in README.md

# What a cell shows: columns of results.csv, and the parts of a run's name (series, statistics).
SERIES = {net: {'series': f'checkpoints_{net}_batch32_momentum0.99'} for net in TITLES}
TEST = {'metric': 'accuracy', 'split': 'test'}
TRAIN = {'metric': 'accuracy', 'split': 'train'}
COMPACT = {'metric': 'compactness', 'split': 'test', 'distance': 'euclidean'}
MAP = {'metric': 'mAP', 'split': 'test', 'definition': 'standard', 'distance': 'euclidean'}
AT_49, AT_499, AT_999 = ({**MAP, 'k': k} for k in ('49', '499', '999'))
PAPER = {'definition': 'paper'}
COSINE = {'distance': 'cosine'}
BY_CLASS = {'variant': 'rerank'}
BY_PROBABILITY = {'variant': 'rerank-probability'}
EMBEDDING = {'variant': 'embedding'}
PRECISE = {'statistics': '_precise-bn'}


def measured():
    """Return all values in docs/results/ by the columns of KEY."""
    return {
        tuple({**row, 'run': before + row['run']}[column] for column in KEY): float(row['value'])
        for name, before in MEASURED.items()
        for row in results.read(ROOT / 'docs' / 'results' / name)
    }


def table(values, first, rows, columns):
    """Return a Markdown table, without rows and columns that have no value.

    Args:
        values: of measured().
        first: title of the first column.
        rows, columns: what to show, by title. A cell joins its row's and its column's: columns of
            results.csv, and series, statistics and epochs, which make the run's name.
    """
    cells = {}
    for row_title, row in rows.items():
        for column_title, column in columns.items():
            shown = {'size': '128', 'statistics': '', **column, **row}
            shown['run'] = '{series}{statistics}_{epochs}e'.format_map(shown)
            value = values.get(tuple(shown.get(part, '') for part in KEY))
            if value is not None:
                cells[row_title, column_title] = f'{value:.3f}'
    kept = [title for title in columns if any(title == column for _, column in cells)]
    lines = [[first, *kept]]
    for title in rows:
        if any(title == row for row, _ in cells):
            lines.append([title, *(cells.get((title, column), '') for column in kept)])
    return markdown(lines)


def tables(values, runs):
    """Return all tables of the documents by name.

    Args:
        values: of measured().
        runs: of performance.read().
    """
    found = {
        **report.tables(runs),
        'summary': summary(values),
        'untrained': untrained(values),
        'sides': sides(values),
        'stacks': stacks(values),
        'precisions': precisions(values),
    }
    for net, title in TITLES.items():
        found[f'{title}, against epochs'] = against_epochs(values, SERIES[net])
        found[f'{title}, statistics'] = statistics(values, SERIES[net])
        found[f'{title}, reordered'] = reordered(values, SERIES[net])
        found[f'{title}, seeds'] = seeds(values, SERIES[net])
        found[f'{title}, changes'] = changes(values, title, SERIES[net])
    return found


def summary(values):
    """README.md: both networks after few and many epochs."""
    columns = {
        'test accuracy': TEST,
        'mAP@999': AT_999,
        'by class': {**AT_999, **BY_PROBABILITY},
    }
    both = {
        f'{title}, {name}': {**column, **SERIES[net]}
        for net, title in TITLES.items()
        for name, column in columns.items()
    }
    return table(values, 'epochs', _rows(SUMMARY), both)


def against_epochs(values, series):
    """One network: accuracy and mAP at all epochs."""
    columns = {
        'accuracy, test': TEST,
        'training': TRAIN,
        'test, precise batch norm': {**TEST, **PRECISE},
        'mAP@49 standard': AT_49,
        'mAP@49 paper': {**AT_49, **PAPER},
        'mAP@999 standard': AT_999,
        'mAP@999 paper': {**AT_999, **PAPER},
        'mAP@999 standard, cosine': {**AT_999, **COSINE},
    }
    return table(values, 'epochs', _rows(EPOCHS), _with(columns, series))


def statistics(values, series):
    """One network: what precise batch norm changes."""
    columns = {
        'mAP@999, as trained': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
        'compactness, as trained': COMPACT,
        'compactness, precise batch norm': {**COMPACT, **PRECISE},
    }
    return table(values, 'epochs', _rows(EPOCHS), _with(columns, series))


def reordered(values, series):
    """One network: what reordering the retrieved images by class changes."""
    columns = {
        'order of distance': AT_999,
        'same class first': {**AT_999, **BY_CLASS},
        'by probability': {**AT_999, **BY_PROBABILITY},
        'by probability, precise batch norm': {**AT_999, **BY_PROBABILITY, **PRECISE},
    }
    return table(values, 'epochs', _rows(EPOCHS), _with(columns, series))


def seeds(values, series):
    """One network: two seeds side by side."""
    columns = {
        'accuracy, test': TEST,
        'test, precise batch norm': {**TEST, **PRECISE},
        'mAP@999': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
    }
    both = {
        f'{name}: seed {seed}': {**column, **_seeded(series, seed)}
        for name, column in columns.items()
        for seed in (0, 1)
    }
    return table(values, 'epochs', _rows(EPOCHS), both)


def untrained(values):
    """Both networks without training, with five seeds."""
    rows = {
        f'{title}, seed {seed}': _seeded(SERIES[net], seed)
        for net, title in TITLES.items()
        for seed in range(5)
    }
    columns = {
        'mAP@999, as trained': AT_999,
        'mAP@999, precise batch norm': {**AT_999, **PRECISE},
        'compactness, as trained': COMPACT,
        'compactness, precise batch norm': {**COMPACT, **PRECISE},
    }
    return table(values, 'untrained', rows, _with(columns, {'epochs': '0'}))


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
    return table(values, 'side', rows, _with(columns, run))


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
        name + (f', seed {seed}' if seed else ''): {**line, **_seeded(line, seed)}
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
    return table(values, f'{title}, 5 epochs', rows, _with(columns, {'epochs': '5'}))


def filled(text, found):
    """Return a document with all its tables replaced by those of tables() that are not empty."""

    def replaced(place):
        lines = found[place[1]]
        return f'<!-- table: {place[1]} -->\n{lines}' if lines else place[0]

    return PLACE.sub(replaced, text)


def _rows(epochs):
    return {count: {'epochs': count} for count in epochs}


def _with(columns, shared):
    return {title: {**column, **shared} for title, column in columns.items()}


def _seeded(series, seed):
    return {'series': series['series'] + (f'_seed{seed}' if seed else '')}


def main():
    """Fill the documents."""
    command_line.parser(__doc__).parse_args()
    found = tables(measured(), performance.read())
    for path in DOCUMENTS:
        atomic.write_text(path, filled(path.read_text(encoding='utf-8'), found))


if __name__ == '__main__':
    main()
