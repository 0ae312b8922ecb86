"""Mean average precision of the feature vectors of the test images (paper, section 2).

    python mAP.py --k 49 4999 --data . checkpoints_n1_10e checkpoints_n2_10e

Each test image is a query against all the others, ordered by distance on fc1. Without a folder,
every checkpoints_* in --checkpoints. Each value is printed and kept in --results, in the four
readings that average_precision.py defines; the paper's figures 6 and 7 are the `paper` reading.
"""

from pathlib import Path

import numpy as np

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.errors import InputError
from sketch.evaluation import results
from sketch.evaluation.average_precision import READINGS, THREADS, retrieve
from sketch.evaluation.compactness import compactness
from sketch.evaluation.ranking import DISTANCES
from sketch.runs.names import TITLES

DEFAULT_K = (49, 4999)  # the paper's: all relevant answers, and all answers
PLAIN, RERANK, WEIGHTED = '', 'rerank', 'rerank-probability'  # results.csv: variant
EMBEDDING = 'embedding'  # likewise: not fc1, but what a triplet loss made of it


def mAP(features, labels, k, reading='standard', distance='euclidean', threads=THREADS):
    """Return the mean average precision at k of feature vectors.

    Each vector is a query against all the others (never itself, which is left out by its index),
    in the order of their distances; equal distances keep index order, which is that of direct
    float64 differences. A query with no relevant answer within k counts 0; one whose label no
    other vector has is left out.

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers; answers of the query's label are relevant.
        k: how many answers count, 1 to images - 1.
        reading: one of average_precision.READINGS.
        distance: one of ranking.DISTANCES.
        threads: of the pool that works on blocks of queries.

    Raises:
        ValueError: k out of range, features not finite, or no two labels alike.
    """
    return retrieve(features, labels, [k], distance, threads).means()[reading, k]


def reranking(variant, probabilities):
    """Return the function that reorders a query's answers by how they are classified.

    The proposal of the paper's conclusions: first the answers that the network classifies as it
    does the query, each part in the order of distance. Weighted: by falling probability that query
    and answer are of one class, the sum over classes of the product of theirs.

    Args:
        variant: PLAIN, RERANK, WEIGHTED or EMBEDDING.
        probabilities: float (images, classes), for RERANK and WEIGHTED.
    """
    if variant in (PLAIN, EMBEDDING):
        return None
    classified = probabilities.argmax(axis=1)

    def same_class_first(query, order):
        return order[np.argsort(classified[order] != classified[query], kind='stable')]

    def likely_same_class_first(query, order):
        return order[np.argsort(-(probabilities @ probabilities[query])[order], kind='stable')]

    return {RERANK: same_class_first, WEIGHTED: likely_same_class_first}[variant]


def check_queries(dataset):
    """Raise InputError if no test image has another one of its category to find."""
    if np.bincount(dataset.test.labels).max() < 2:
        raise InputError(
            f'{dataset.folder}: no category has 2 test images, so no query has an answer; make the '
            'data set with a larger --test'
        )


def choose_k(asked, images):
    """Return the k to compute: integers, `all` being every other image.

    Without a choice, the paper's two, less what is too large for the set, which is said.

    Raises:
        InputError: a chosen k is too large.
    """
    largest = images - 1
    if not asked:
        for k in DEFAULT_K:
            if k > largest:
                print(f'k = {k} left out: the test set has {images} images, so k ends at {largest}')
        return [k for k in DEFAULT_K if k <= largest] or [largest]
    chosen = [largest if k == 'all' else int(k) for k in asked]
    for k in chosen:
        if not 1 <= k <= largest:
            raise InputError(f'--k {k}: the largest k for {images} test images is {largest}')
    return sorted(set(chosen))


def evaluate(checkpoint, dataset, ks, results_file, distances=('euclidean',), rerank=False,
             threads=THREADS, reports=None):  # fmt: skip
    """Measure, print and record a checkpoint's compactness and mAP at each k, in every reading.

    Of fc1 and, if a triplet loss made one, of the embedding.

    Args:
        checkpoint: checkpoints.Checkpoint.
        dataset: dataset.Dataset, its test set opened.
        ks: integers, 1 to test images - 1.
        results_file: Path of results.csv.
        distances: of ranking.DISTANCES.
        rerank: also reorder the answers by their class, in both ways.
        threads: of the pool.
        reports: folder that receives what was found by category, None for nothing.
    """
    # TensorFlow is loaded only when there is use for it.
    from load import measurements
    from sketch.evaluation.features import class_probabilities, embeddings, feature_vectors
    from sketch.networks.network import TRIPLET

    folder = checkpoint.folder
    if rerank and checkpoint.settings.loss == TRIPLET:
        print(f'{folder}: trained without classes to reorder its answers by')
        rerank = False
    vectors = feature_vectors(checkpoint, dataset.test, dataset.size).vectors
    probabilities = class_probabilities(checkpoint, vectors) if rerank else None
    print(f'{folder}: {TITLES[checkpoint.settings.net]}, step {checkpoint.step}')
    embedded = embeddings(checkpoint, vectors)
    variants = [PLAIN, *([RERANK, WEIGHTED] if rerank else [])]
    variants += [EMBEDDING] if embedded is not None else []
    for distance in distances:
        for variant in variants:
            compared = embedded if variant == EMBEDDING else vectors
            reranked = reranking(variant, probabilities)
            found = retrieve(
                compared,
                dataset.test.labels,
                ks,
                distance,
                threads,
                reranked,
            )
            shared = {
                **measurements(checkpoint, dataset, dataset.test),
                'metric': 'mAP',
                'distance': distance,
                'variant': variant,
            }
            values = found.means()
            results.record(
                results_file,
                [
                    {**shared, 'reading': reading, 'k': k, 'value': value}
                    for (reading, k), value in values.items()
                ],
            )
            _print(found, values, distance, variant)
            if reranked is None:
                compact = compactness(compared, dataset.test.labels, distance)
                if compact is not None:
                    print(f'    compactness (distance within / between categories): {compact:.4f}')
                    row = {**shared, 'metric': 'compactness', 'value': compact}
                    results.record(results_file, [row])
            if reports and variant == PLAIN:
                from sketch.evaluation.report import report

                report(found, dataset.categories, Path(reports) / shared['run'] / distance)


def _print(found, values, distance, variant):
    queries, images = np.sum(found.answerable), len(found.labels)
    title = distance + (f', {variant}' if variant else '')
    tied = np.sum(found.tied & found.answerable)
    print(f'  {title}: {queries} queries, {tied} with a right and a wrong answer equally far')
    for k in found.ks:
        row = ', '.join(f'{reading} {values[reading, k]:.4f}' for reading in READINGS)
        print(f'    mAP@{k}: {row}')
    if queries < images:
        print(f'    {images - queries} queries left out: no other image has their label')


def main(argv=None):
    """Parse the command line and evaluate."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    add = arguments.add_argument
    add(
        '--k',
        nargs='+',
        default=[],
        metavar='K',
        help='answers that count, integers or `all`; words that are neither are folders '
        '(default: 49 4999)',
    )
    add('--distance', choices=[*DISTANCES, 'both'], default='euclidean', help="the paper's first")
    add('--rerank', action='store_true', help='also with answers of the same class first')
    add('--report', type=Path, metavar='FOLDER', help='by category: receives tables and charts')
    add('--threads', type=command_line.positive_int, default=THREADS, help='in the pool')
    command_line.add_checkpoints(arguments)
    command_line.add_results(arguments)
    options = arguments.parse_args(argv)
    results.read(options.results)  # whether it is such a table, before the work
    asked = [word for word in options.k if word == 'all' or word.isdecimal()]
    # argparse gives --k all words up to the next flag, folders included.
    named = [Path(word) for word in options.k if word not in asked] + options.folders
    if options.k and not asked:
        raise InputError('--k: give integers or `all`')
    dataset = open_dataset(options.data, ['test'])
    check_queries(dataset)
    ks = choose_k(asked, len(dataset.test))
    distances = DISTANCES if options.distance == 'both' else (options.distance,)

    from sketch.runs.checkpoints import find, open_checkpoint

    for folder in named or find(options.checkpoints):
        evaluate(
            open_checkpoint(folder, dataset),
            dataset,
            ks,
            options.results,
            distances,
            options.rerank,
            options.threads,
            options.report,
        )


if __name__ == '__main__':
    command_line.run(main)
