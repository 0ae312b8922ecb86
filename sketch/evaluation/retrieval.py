"""mAP and compactness of a checkpoint: of fc1, of its reordered rankings, and of the embedding."""

from typing import NamedTuple

import numpy as np

from sketch.evaluation.features import feature_vectors
from sketch.evaluation.measurement import shared_columns
from sketch.evaluation.outputs import Outputs
from sketch.metrics.average_precision import (
    DEFINITIONS,
    Retrieval,
    retrieve,
    retrieve_reordered,
)
from sketch.metrics.compactness import compactness
from sketch.runs.settings import Default

# Variants, a column of results.csv: fc1 in the order of distance, reordered by class or by
# probability, and the embedding of a triplet loss.
FC1, BY_CLASS, BY_PROBABILITY, EMBEDDING = '', 'rerank', 'rerank-probability', 'embedding'


class RetrievalMeasurement(NamedTuple):
    """A Measurement of one variant and distance, and what it was computed from."""

    rows: list
    text: str
    variant: str
    distance: str
    retrieval: Retrieval


def evaluate(checkpoint, dataset, ks, *, distances=(Default.distance,), rerank=False,
             threads=Default.threads):  # fmt: skip
    """Yield one RetrievalMeasurement for each distance and variant, as soon as it is measured.

    Args:
        checkpoint: Checkpoint.
        dataset: Dataset with its test set opened.
        ks: integers, 1 to test images - 1.
        distances: of ranking.DISTANCES.
        rerank: also reorder the retrieved images by class and by probability.
        threads: of the pool.
    """
    if rerank and (reason := checkpoint.lacks_classes(dataset)):
        print(f'{checkpoint.folder}: no reranking: {reason}')
        rerank = False
    columns, labels = shared_columns(checkpoint, dataset, dataset.test), dataset.test.labels
    compared = _compared(checkpoint, dataset, rerank)
    for distance in distances:
        for vectors, reorders in compared:
            of_distance = vectors, labels, ks
            if len(reorders) == 1:
                retrievals = [retrieve(*of_distance, distance, threads)]
            else:
                orders = reorders.values()
                retrievals = retrieve_reordered(*of_distance, orders, distance, threads)
            for (variant, reorder), found in zip(reorders.items(), retrievals):
                # A reordering leaves the vectors as they are.
                compact = compactness(vectors, labels, distance) if reorder is None else None
                yield _measured(variant, distance, found, compact, columns)


def reordering(variant, probabilities):
    """Return the function that reorders a ranking by class (proposed in the paper's conclusions).

    By class: first the images that the network gives the query's class, then the others, each part
    in the order of distance. By probability: in the order of the probability that query and image
    have the same class, which is the sum over classes of the product of theirs.

    Args:
        variant: BY_CLASS or BY_PROBABILITY.
        probabilities: float (images, classes).
    """
    classified = probabilities.argmax(axis=1)

    def same_class_first(query, order):
        return order[np.argsort(classified[order] != classified[query], kind='stable')]

    def by_probability(query, order):
        # Not `@`: its threads would compete with the pool's, and equal rows may differ in a bit.
        same_class = np.einsum('ij,j->i', probabilities, probabilities[query])
        return order[np.argsort(-same_class[order], kind='stable')]

    return {BY_CLASS: same_class_first, BY_PROBABILITY: by_probability}[variant]


def _compared(checkpoint, dataset, rerank):
    """Return the vectors that a checkpoint has, and the variants of what they retrieve.

    Vectors are (images, values). Variants are {name: function (query, order) -> order, or None for
    the order of distance}.
    """
    fc1 = feature_vectors(checkpoint, dataset.test, dataset.size).vectors
    reorders, outputs = {FC1: None}, Outputs(checkpoint)
    if rerank:
        probabilities = outputs.class_probabilities(fc1)
        reorders |= {name: reordering(name, probabilities) for name in (BY_CLASS, BY_PROBABILITY)}
    embedded = outputs.embedding(fc1)
    found = [(fc1, reorders)]
    return found if embedded is None else [*found, (embedded, {EMBEDDING: None})]


def _measured(variant, distance, found, compact, columns):
    """Return a RetrievalMeasurement: the rows and the text of a Retrieval."""
    values, intervals = found.means(), found.intervals()
    columns = {**columns, 'distance': distance, 'variant': variant}
    rows = []
    for (definition, k), value in values.items():
        row = {'metric': 'mAP', 'definition': definition, 'k': k, 'value': value}
        row['low'], row['high'] = intervals[definition, k]
        rows.append({**columns, **row, 'interval': 'images'})
    if compact is not None:
        rows.append({**columns, 'metric': 'compactness', 'value': compact})
    title = ', '.join(filter(None, (distance, variant)))
    text = _describe(found, values, intervals, compact, title)
    return RetrievalMeasurement(rows, text, variant, distance, found)


def _describe(found, values, intervals, compact, title):
    queries, images = np.sum(found.has_relevant), len(found.labels)
    tied = np.sum(found.tied & found.has_relevant)
    ties = f', in {tied} a relevant image ties with an irrelevant one' if tied else ''
    lines = [f'  {title}: {queries} queries{ties}']
    for k in found.ks:
        row = ', '.join(f'{name} {values[name, k]:.4f}' for name in DEFINITIONS)
        low, high = intervals['standard', k]
        lines.append(f'    mAP@{k}: {row}; 95 % of standard: {low:.4f} to {high:.4f}')
    if queries < images:
        lines.append(f'    {images - queries} queries skipped: no other image has their label')
    if compact is not None:
        lines.append(f'    compactness (distance within / between categories): {compact:.4f}')
    return '\n'.join(lines)
