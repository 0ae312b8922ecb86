"""Compares the mAP of checkpoints on the same test images, with intervals of the differences.

    python -m tools.compare --data . --k 49 all checkpoints_n1_7e checkpoints_n1_10e

The first folder is the reference: its fc1 in the order of distance. Each variant of each folder is
measured against it, query by query (the paired bootstrap). Pairs tell smaller differences apart
than two separate intervals do. Prints the differences and keeps them in --differences.
"""

import csv
import datetime
from pathlib import Path

from sketch import atomic, command_line
from sketch.data.dataset import check_queries, open_dataset
from sketch.errors import InputError
from sketch.evaluation.average_precision import DEFINITIONS, choose_k
from sketch.evaluation.intervals import bootstrap
from sketch.evaluation.ranking import DISTANCES
from sketch.runs import folders
from sketch.runs.settings import Default

COLUMNS = (
    *('run', 'variant', 'distance'),  # as in results.csv
    *('reference', 'reference_distance'),  # run and distance that it is compared with
    *('definition', 'k', 'difference', 'low', 'high', 'images', 'dataset', 'time'),
)
KEY = [column for column in COLUMNS if column not in ('difference', 'low', 'high', 'time')]


def parse_arguments(argv):
    """Return the parsed command line."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    add = arguments.add_argument
    add('folders', nargs='*', type=Path, metavar='CHECKPOINT_FOLDER', help='the reference first')
    command_line.add_k(arguments)
    add('--distance', choices=[*DISTANCES, 'both'], default=Default.distance,
        help='both: all are compared with the reference by the Euclidean distance')  # fmt: skip
    add('--rerank', action='store_true', help='also the orders by class and by probability')
    add('--differences', type=Path, default=Path('differences.csv'), metavar='FILE',
        help='CSV table of differences')  # fmt: skip
    command_line.add_unfinished(arguments)
    options = arguments.parse_args(argv)
    options.k, others = command_line.k_and_folders(options.k)
    options.folders = others + options.folders
    if not options.folders:
        raise InputError('give checkpoint folders, the reference first')
    if len(options.folders) == 1 and options.distance != 'both' and not options.rerank:
        raise InputError('one folder: give others, --distance both or --rerank to compare')
    options.distance = DISTANCES if options.distance == 'both' else (options.distance,)
    return options


def main(argv=None):
    """Parse the command line, compare, and return the rows of the table of differences."""
    options = parse_arguments(argv)
    read(options.differences)
    chosen = folders.chosen(options.folders, None, options.unfinished)
    dataset = open_dataset(options.data, ['test'])
    check_queries(dataset)
    ks = choose_k(options.k, len(dataset.test))

    from sketch.evaluation import retrieval  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint

    rows, reference = [], None
    for folder in chosen:
        checkpoint = open_checkpoint(folder, dataset)
        for measured in retrieval.evaluate(
            checkpoint, dataset, ks, distances=options.distance, rerank=options.rerank
        ):
            own = {
                'run': checkpoint.run,
                'variant': measured.variant,
                'distance': measured.distance,
                'images': len(dataset.test),
                'dataset': dataset.digest,
            }
            if reference is None:
                reference = own, measured.retrieval
                continue
            found = list(differences(own, measured.retrieval, *reference))
            print(_describe(found))
            rows += found
    record(options.differences, rows)
    return rows


def differences(own, found, reference, found_by_reference):
    """Yield a row for each definition and k: own mAP minus the reference's.

    Args:
        own, reference: columns of the row that tell what was measured.
        found, found_by_reference: average_precision.Retrieval on the same test images.
    """
    kept = found.has_relevant
    each = found.average_precisions[kept] - found_by_reference.average_precisions[kept]
    mean, (low, high) = each.mean(axis=0), bootstrap(each)
    compared = {'reference': reference['run'], 'reference_distance': reference['distance']}
    for row, definition in enumerate(DEFINITIONS):
        for column, k in enumerate(found.ks):
            values = (float(value[row, column]) for value in (mean, low, high))
            yield {
                **own,
                **compared,
                **{'definition': definition, 'k': k},
                **dict(zip(('difference', 'low', 'high'), values)),
            }


def read(path):
    """Return the rows of a table of differences as dicts of text; none if there is no file.

    Raises:
        InputError: the file is another table.
    """
    path = Path(path)
    if not path.exists():
        return []
    with open(path, encoding='utf-8', newline='') as file:
        table = csv.DictReader(file)
        rows = list(table)
    if tuple(table.fieldnames or ()) != COLUMNS:
        raise InputError(f'{path}: not a table of differences; give another --differences')
    return rows


def record(path, rows):
    """Add rows to a table of differences; a row replaces an earlier one of the same comparison."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.exclusive(path.parent, 'writer of differences', wait=True):
        table = {tuple(row[column] for column in KEY): row for row in read(path)}
        for row in rows:
            text = {column: str(row.get(column, '')) for column in COLUMNS}
            table[tuple(text[column] for column in KEY)] = {**text, 'time': now}
        atomic.write_csv(path, COLUMNS, [list(row.values()) for row in table.values()])


def _describe(rows):
    """Return the text of a variant's rows, in the standard definition."""
    first = rows[0]
    own = ', '.join(filter(None, (first['run'], first['distance'], first['variant'])))
    lines = [f'{own}, minus {first["reference"]}, {first["reference_distance"]}']
    for row in rows:
        if row['definition'] == 'standard':
            lines.append(
                f'    mAP@{row["k"]}: {row["difference"]:+.4f} '
                f'(95 %: {row["low"]:+.4f} to {row["high"]:+.4f})'
            )
    return '\n'.join(lines)


if __name__ == '__main__':
    command_line.run(main)
