"""Compares the bootstrap over queries with a jackknife over test images.

    python -m benchmarks.interval_width --data . checkpoints_n1_7e checkpoints_n1_10e

The bootstrap of results.csv draws queries and leaves the images fixed in which they search. Another
sample of test images would change both. The jackknife leaves out each image in turn, as query and
as answer, and measures mAP again. Prints the standard errors of mAP (standard definition, all
ranks, both distances) and of the differences from the first folder by the Euclidean distance.
Takes minutes for 1,000 test images, hours for 5,000.
"""

import argparse
from pathlib import Path

import numpy as np

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.metrics.average_precision import DEFINITIONS, retrieve
from sketch.metrics.ranking import DISTANCES
from sketch.reporting import markdown
from sketch.runs import folders


def jackknife(measure, labels):
    """Return the standard errors of what is measured on images, by leaving out each in turn.

    The images are a sample of each category (a stratified jackknife).

    Args:
        measure: function of the indices of the images to keep, returns float (quantities,).
        labels: int (images,); each occurs at least twice.
    """
    everything = np.arange(len(labels))
    without = np.array([measure(np.delete(everything, image)) for image in everything])
    variance = 0
    for label in np.unique(labels):
        part = without[labels == label]
        variance += (len(part) - 1) / len(part) * ((part - part.mean(axis=0)) ** 2).sum(axis=0)
    return np.sqrt(variance)


def average_precisions(features, labels):
    """Return each query's average precision of all ranks, standard definition, by both distances.

    Args:
        features: {name: float (images, values)}.
        labels: int (images,).

    Returns:
        {(name, distance): float64 (queries,)}.
    """
    last, standard = len(labels) - 1, DEFINITIONS.index('standard')
    return {
        (name, distance): retrieve(vectors, labels, [last], distance).average_precisions[
            :, standard, 0
        ]
        for name, vectors in features.items()
        for distance in DISTANCES
    }


def with_differences(found):
    """Return values of average_precisions() with their differences from the first, by title."""
    first, *others = found
    titled = {', '.join(key): value for key, value in found.items()}
    minus = f', minus {", ".join(first)}'
    return {**titled, **{', '.join(key) + minus: found[key] - found[first] for key in others}}


def measure(features, labels):
    """Return a row of text for each quantity: title, mAP, both standard errors, their ratio."""
    found = with_differences(average_precisions(features, labels))

    def means(kept):
        parts = {name: vectors[kept] for name, vectors in features.items()}
        again = with_differences(average_precisions(parts, labels[kept]))
        return np.array([values.mean() for values in again.values()])

    rows = []
    for (title, values), over_images in zip(found.items(), jackknife(means, labels)):
        over_queries = values.std() / np.sqrt(len(values))  # what many bootstraps converge to
        numbers = (values.mean(), over_queries, over_images)
        rows.append([title, *(f'{n:.5f}' for n in numbers), f'{over_images / over_queries:.2f}'])
    return rows


def main(argv=None):
    """Parse the command line, measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    command_line.add_data(arguments)
    arguments.add_argument('folders', nargs='+', type=Path, metavar='CHECKPOINT_FOLDER')
    options = arguments.parse_args(argv)
    dataset = open_dataset(options.data, ['test'])

    from sketch.evaluation.features import feature_vectors  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint

    features = {}
    for folder in folders.chosen(options.folders, None, unfinished=False):
        checkpoint = open_checkpoint(folder, dataset)
        found = feature_vectors(checkpoint, dataset.test, dataset.size)
        features[checkpoint.run] = found.vectors
    titles = ['mAP, all ranks', 'value', 'standard error over queries', 'over images', 'ratio']
    print(markdown.table([titles, *measure(features, dataset.test.labels)]))


if __name__ == '__main__':
    command_line.run(main)
