"""Compares the mAP of checkpoints on the same test images, with intervals of the differences.

    python -m tools.compare --data . --k 49 all checkpoints_n1_7e checkpoints_n1_10e

The first folder is the reference: its fc1 in the order of distance. Each variant of each folder is
measured against it on the same images, left out one by one in both: this shows smaller differences
than two separate intervals do. Prints the differences and keeps them in --differences.
"""

from pathlib import Path

from sketch import command_line
from sketch.data.dataset import check_queries, open_dataset
from sketch.errors import InputError
from sketch.metrics.ranking import DISTANCES
from sketch.reporting import differences
from sketch.runs import folders
from sketch.runs.settings import Default


def parse_arguments(argv):
    """Return the parsed command line."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    add = arguments.add_argument
    add(
        'folders',
        nargs='*',
        type=command_line.path,
        metavar='CHECKPOINT_FOLDER',
        help='the reference first',
    )
    command_line.add_k(arguments)
    add('--distance', choices=[*DISTANCES, 'both'], default=Default.distance,
        help='both: all are compared with the reference by the Euclidean distance')  # fmt: skip
    add('--rerank', action='store_true', help='also the orders by class and by probability')
    add('--differences', type=command_line.path, default=Path('differences.csv'), metavar='FILE',
        help='CSV table of differences')  # fmt: skip
    options = arguments.parse_args(argv)
    options.k, others = command_line.k_and_folders(options.k)
    options.folders = list(dict.fromkeys(others + options.folders))
    if not options.folders:
        raise InputError('give checkpoint folders, the reference first')
    if len(options.folders) == 1 and options.distance != 'both' and not options.rerank:
        raise InputError('one folder: give others, --distance both or --rerank to compare')
    options.distance = DISTANCES if options.distance == 'both' else (options.distance,)
    return options


def main(argv=None):
    """Parse the command line, compare, and return the rows of the table of differences."""
    options = parse_arguments(argv)
    differences.check(options.differences)
    chosen = folders.chosen(options.folders, None, unfinished=False)
    dataset = open_dataset(options.data, ['test'])
    check_queries(dataset)
    ks = command_line.choose_k(options.k, len(dataset.test))

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
                'weights': checkpoint.weights,
                'variant': measured.variant,
                'distance': measured.distance,
                'images': len(dataset.test),
                'dataset': dataset.digest,
            }
            if reference is None:
                reference = own, measured.retrieval
                continue
            found = list(differences.between(own, measured.retrieval, *reference))
            print(_describe(found))
            differences.record(options.differences, found)
            rows += found
    return rows


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
