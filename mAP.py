"""Mean average precision of the feature vectors of the test images (paper, section 2).

    python mAP.py --k 49 4999 --data . checkpoints_n1_10e checkpoints_n2_10e

Each test image is a query. All others are ordered by the distance of their feature vectors (fc1).
Each value is printed and recorded in --results, in the four definitions of docs/metrics.md; the
paper's figures 6 and 7 use the definition `paper`. If a checkpoint was trained with a triplet loss,
its embedding is measured, too.
"""

from sketch import command_line
from sketch.data.dataset import check_queries, open_dataset
from sketch.metrics.average_precision import retrieve
from sketch.metrics.ranking import DISTANCES
from sketch.reporting import results
from sketch.runs import folders
from sketch.runs.settings import Default


def mAP(features, labels, k, definition='standard', distance=Default.distance,
        threads=Default.threads):  # fmt: skip
    """Return the mean average precision at k of feature vectors.

    Each vector is a query against all the others; the query itself is left out by its index.
    Distances are exact to float64 differences, and equal distances keep index order. A
    query with no relevant image within k counts 0. A query whose label no other vector has is
    skipped.

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers; images with the query's label are relevant.
        k: how many ranks count, 1 to images - 1.
        definition: one of average_precision.DEFINITIONS.
        distance: one of ranking.DISTANCES.
        threads: of the pool that works on blocks of queries.

    Raises:
        ValueError: k or threads out of range, NaN or infinite features, or no two equal labels.
        KeyError: unknown definition.
    """
    return retrieve(features, labels, [k], distance, threads).means()[definition, k]


def parse_arguments(argv):
    """Return the parsed command line, with the folders and the k told apart.

    Raises:
        InputError: --k without a number.
    """
    arguments = command_line.parser(__doc__)
    data = arguments.add_argument_group('data and results')
    command_line.add_data(data)
    command_line.add_checkpoints(data)
    command_line.add_results(data)
    data.add_argument(
        '--report', type=command_line.output_folder, help='receives tables and charts by category'
    )

    metric = arguments.add_argument_group('metric')
    command_line.add_k(metric)

    questions = arguments.add_argument_group("the paper's open questions")
    command_line.add_setting(
        questions,
        '--distance',
        choices=[*DISTANCES, 'both'],
        help='distance between feature vectors',
    )
    questions.add_argument(
        '--rerank',
        action='store_true',
        help='also order by predicted class, and by class probability',
    )

    machine = arguments.add_argument_group('machine')
    command_line.add_setting(machine, '--threads', type=command_line.positive_int, help='threads')

    options = arguments.parse_args(argv)
    options.k, others = command_line.k_and_folders(options.k)
    options.folders = others + options.folders
    options.distance = DISTANCES if options.distance == 'both' else (options.distance,)
    return options


def main(argv=None):
    """Parse the command line, evaluate, and return the rows recorded in results.csv."""
    options = parse_arguments(argv)
    results.check(options.results)
    chosen = folders.chosen(options.folders, options.checkpoints, options.unfinished)

    # 1. The test images: each will be a query against the others.
    dataset = open_dataset(options.data, ['test'])
    check_queries(dataset)
    ks = command_line.choose_k(options.k, len(dataset.test))

    from sketch.evaluation import retrieval  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint

    recorded = []
    for folder in chosen:
        # 2. The network, whose fc1 gives each image's feature vector.
        checkpoint = open_checkpoint(folder, dataset)
        print(checkpoint.title)
        # 3. Rankings by distance, and their mean average precision at each k.
        orders = {'distances': options.distance, 'rerank': options.rerank}
        for measured in retrieval.evaluate(
            checkpoint, dataset, ks, **orders, threads=options.threads
        ):
            # 4. The table that plots.py draws.
            recorded += results.print_and_record(options.results, [measured])
            if options.report and measured.variant == retrieval.FC1:
                from sketch.reporting import report  # matplotlib

                place = options.report / checkpoint.run / measured.distance
                print(report.report(measured.retrieval, dataset.categories, place))
    if len(chosen) > 1:
        print(f'\n{table(recorded)}')
    return recorded


def table(rows):
    """Return the rows of several checkpoints as a table of text: mAP, standard definition."""
    shown = [row for row in rows if row.get('definition') == 'standard']
    ks = sorted({row['k'] for row in shown})
    values = {}
    for row in shown:
        name = ', '.join(filter(None, (row['run'], row['distance'], row['variant'])))
        values.setdefault(name, {})[row['k']] = f'{row["value"]:.4f}'
    title = 'standard definition'
    width = max(map(len, [title, *values]))
    lines = [[title.ljust(width), *(f'mAP@{k}' for k in ks)]]
    lines += [[name.ljust(width), *(row[k] for k in ks)] for name, row in values.items()]
    return '\n'.join('  '.join(f'{cell:>9}' for cell in line) for line in lines)


if __name__ == '__main__':
    command_line.run(main)
