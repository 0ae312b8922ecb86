"""Fills the tables of reproduction.md and README.md with what docs/results/ holds.

    python -m tools.fill_tables

A table stands below a line <!-- table: its name -->. What has not been measured is an empty cell; a
row or column without any value is left out. A test tells when the documents are behind.
"""

import re
from pathlib import Path

from sketch import atomic
from sketch.evaluation import results

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (ROOT / 'README.md', ROOT / 'docs' / 'reproduction.md')
MEASURED = ('reproduction.csv', 'changes.csv', 'sizes.csv')  # in docs/results/
PLACE = re.compile(r'<!-- table: (.+) -->\n(?:\|.*\n)*')

KEY = ('run', 'epochs', 'size', 'metric', 'split', 'reading', 'distance', 'variant', 'k')
NETWORKS = {'skNet': 'checkpoints_n1_batch32', 'skResNet': 'checkpoints_n2_batch32'}
EPOCHS = ('0', '0.25', '0.5', *map(str, range(1, 11)))
SUMMARY = ('0', '1', '3', '5', '10')  # epochs in README.md

# What a cell shows: columns of results.csv, and the parts of a run's name.
TEST = {'metric': 'accuracy', 'split': 'test'}
TRAIN = {'metric': 'accuracy', 'split': 'train'}
COMPACT = {'metric': 'compactness', 'split': 'test', 'distance': 'euclidean'}
RETRIEVED = {'metric': 'mAP', 'split': 'test', 'reading': 'standard', 'distance': 'euclidean'}
AT_49 = {**RETRIEVED, 'k': '49'}
AT_499 = {**RETRIEVED, 'k': '499'}
AT_999 = {**RETRIEVED, 'k': '999'}
PAPERS = {'reading': 'paper'}
COSINE = {'distance': 'cosine'}
CLASS_FIRST = {'variant': 'rerank'}
PROBABILITY = {'variant': 'rerank-probability'}
EMBEDDING = {'variant': 'embedding'}
SETTLED = {'statistics': '_reestimated'}


def measured():
    """Return all values in docs/results/ by the columns of KEY."""
    return {
        tuple(row[column] for column in KEY): float(row['value'])
        for name in MEASURED
        for row in results.read(ROOT / 'docs' / 'results' / name)
    }


def table(values, first, rows, columns):
    """Return a Markdown table, less rows and columns without a value.

    Args:
        values: of measured().
        first: title of the first column.
        rows, columns: what to show by title, of which a cell joins its row's and its column's:
            columns of results.csv, and series, statistics and epochs, which make a run's name.
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
    lines = [[first, *kept], ['---'] * (len(kept) + 1)]
    for title in rows:
        if any(title == row for row, _ in cells):
            lines.append([title, *(cells.get((title, column), '') for column in kept)])
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def tables(values):
    """Return all tables of the document, by what they are about."""
    epochs = {count: {'epochs': count} for count in EPOCHS}
    seeds = {
        f'{title}, seed {seed}': {'series': series + (f'_seed{seed}' if seed else '')}
        for title, series in NETWORKS.items()
        for seed in range(5)
    }
    against_epochs = {
        'accuracy, test': TEST,
        'training': TRAIN,
        'test, re-estimated': {**TEST, **SETTLED},
        'mAP@49 standard': AT_49,
        'mAP@49 paper': {**AT_49, **PAPERS},
        'mAP@999 standard': AT_999,
        'mAP@999 paper': {**AT_999, **PAPERS},
        'mAP@999 standard, cosine': {**AT_999, **COSINE},
    }
    statistics = {
        'mAP@999, as trained': AT_999,
        'mAP@999, re-estimated': {**AT_999, **SETTLED},
        'compactness, as trained': COMPACT,
        'compactness, re-estimated': {**COMPACT, **SETTLED},
    }
    reordered = {
        'order of distance': AT_999,
        'same class first': {**AT_999, **CLASS_FIRST},
        'by probability': {**AT_999, **PROBABILITY},
        'by probability, re-estimated': {**AT_999, **PROBABILITY, **SETTLED},
    }
    found = {}
    for title, series in NETWORKS.items():
        for about, columns in (
            ('against epochs', against_epochs),
            ('statistics', statistics),
            ('reordered', reordered),
        ):
            shown = {name: {**column, 'series': series} for name, column in columns.items()}
            found[f'{title}, {about}'] = table(values, 'epochs', epochs, shown)
    summary = {
        'accuracy, test': TEST,
        'mAP@999': AT_999,
        'mAP@999, re-estimated': {**AT_999, **SETTLED},
        'mAP@999, by probability': {**AT_999, **PROBABILITY},
    }
    shown = {
        f'{title}: {name}': {**column, 'series': series}
        for title, series in NETWORKS.items()
        for name, column in summary.items()
    }
    found['summary'] = table(values, 'epochs', {e: epochs[e] for e in SUMMARY}, shown)
    of_seeds = {
        'accuracy, test': TEST,
        'test, re-estimated': {**TEST, **SETTLED},
        'mAP@999': AT_999,
        'mAP@999, re-estimated': {**AT_999, **SETTLED},
    }
    for title in NETWORKS:
        shown = {
            f'{name}: seed {seed}': {**column, **seeds[f'{title}, seed {seed}']}
            for name, column in of_seeds.items()
            for seed in (0, 1)
        }
        found[f'{title}, seeds'] = table(values, 'epochs', epochs, shown)
    untrained = {name: {**column, 'epochs': '0'} for name, column in statistics.items()}
    found['untrained'] = table(values, 'untrained', seeds, untrained)
    sides = {side: {'size': side} for side in ('128', '256')}
    ten = {'series': 'checkpoints_n1_batch16', 'epochs': '5'}
    of_sides = {
        'accuracy, test': TEST,
        'training': TRAIN,
        'mAP@49': AT_49,
        'mAP@499': AT_499,
        'mAP@499, cosine': {**AT_499, **COSINE},
        'mAP@499, re-estimated': {**AT_499, **SETTLED},
        'mAP@499, cosine, re-estimated': {**AT_499, **COSINE, **SETTLED},
    }
    shown = {name: {**column, **ten} for name, column in of_sides.items()}
    found['sides'] = table(values, 'side', sides, shown)
    of_changes = {
        'accuracy, test': TEST,
        'test, re-estimated': {**TEST, **SETTLED},
        'mAP@49': AT_49,
        'mAP@999': AT_999,
        'mAP@49, cosine': {**AT_49, **COSINE},
        'mAP@999, cosine': {**AT_999, **COSINE},
        'mAP@999, re-estimated': {**AT_999, **SETTLED},
        'mAP@999, cosine, re-estimated': {**AT_999, **COSINE, **SETTLED},
    }
    shown = {name: {**column, 'epochs': '5'} for name, column in of_changes.items()}
    for title, series in NETWORKS.items():
        found[f'{title}, changes'] = table(values, f'{title}, 5 epochs', changes(series), shown)
    return found


def changes(paper):
    """Return the lines of the table of changes to a series of runs."""
    net, batch = paper.rsplit('_', 1)
    alone, both = (f'{net}_{loss}_{batch}' for loss in ('triplet', 'triplet-and-cross-entropy'))
    lines = {
        'as the paper trains': {'series': paper},
        '`--augment`': {'series': f'{paper}_augment'},
        '`--learning-rate-decay 0.7`': {'series': f'{paper}_decay0.7'},
        '`--loss triplet`: fc1': {'series': alone},
        '`--loss triplet`: embedding': {'series': alone, **EMBEDDING},
        '`--loss triplet-and-cross-entropy`: fc1': {'series': both},
        '`--loss triplet-and-cross-entropy`: embedding': {'series': both, **EMBEDDING},
    }
    return {
        title + mark: {**line, 'series': line['series'] + seed}
        for title, line in lines.items()
        for mark, seed in (('', ''), (', seed 1', '_seed1'))
    }


def filled(text, found):
    """Return a document with all its tables replaced by those of tables()."""
    return PLACE.sub(lambda place: f'<!-- table: {place[1]} -->\n{found[place[1]]}', text)


def main():
    """Fill the documents."""
    found = tables(measured())
    for path in DOCUMENTS:
        atomic.write_text(path, filled(path.read_text(encoding='utf-8'), found))


if __name__ == '__main__':
    main()
