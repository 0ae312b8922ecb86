"""mAP and compactness of a checkpoint: of fc1, of its reordered rankings, and of the embedding."""

from typing import NamedTuple

import numpy as np

from sketch.evaluation.average_precision import DEFINITIONS, Retrieval, retrieve
from sketch.evaluation.compactness import compactness
from sketch.evaluation.features import class_probabilities, embeddings, feature_vectors
from sketch.evaluation.results import shared_columns
from sketch.networks.registry import TRIPLET
from sketch.runs.settings import Default

# Variants, a column of results.csv: fc1 in the order of distance, reordered by class or by
# probability, and the embedding of a triplet loss.
FC1, BY_CLASS, BY_PROBABILITY, EMBEDDING = '', 'rerank', 'rerank-probability', 'embedding'


class MeasuredRetrieval(NamedTuple):
    """results.Measured of one variant and distance, and what it was computed from."""

    rows: list
    text: str
    variant: str
    distance: str
    retrieval: Retrieval


class Variant(NamedTuple):
    """Vectors to compare, and how to reorder what they retrieve."""

    name: str
    vectors: np.ndarray  # (images, values)
    reorder: object = None  # function (query, order) -> order


def evaluate(checkpoint, dataset, ks, *, distances=(Default.distance,), rerank=False,
             threads=Default.threads):  # fmt: skip
    """Yield one MeasuredRetrieval for each distance and variant, as soon as it is measured.

    Args:
        checkpoint: checkpoints.Checkpoint.
        dataset: dataset.Dataset with its test set opened.
        ks: integers, 1 to test images - 1.
        distances: of ranking.DISTANCES.
        rerank: also reorder the retrieved images by class and by probability.
        threads: of the pool.
    """
    if rerank and checkpoint.settings.loss == TRIPLET:
        print(
            f'{checkpoint.folder}: no reranking: with --loss triplet the classifier is not trained'
        )
        rerank = False
    columns = shared_columns(checkpoint, dataset, dataset.test)
    variants = _variants(checkpoint, dataset, rerank)
    for distance in distances:
        for variant in variants:
            yield _measure(variant, dataset.test.labels, ks, distance, threads, columns)


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
        return order[np.argsort(-(probabilities @ probabilities[query])[order], kind='stable')]

    return {BY_CLASS: same_class_first, BY_PROBABILITY: by_probability}[variant]


def _variants(checkpoint, dataset, rerank):
    """Return the Variants that a checkpoint has."""
    fc1 = feature_vectors(checkpoint, dataset.test, dataset.size).vectors
    variants = [Variant(FC1, fc1)]
    if rerank:
        probabilities = class_probabilities(checkpoint, fc1)
        for name in (BY_CLASS, BY_PROBABILITY):
            variants.append(Variant(name, fc1, reordering(name, probabilities)))
    embedded = embeddings(checkpoint, fc1)
    if embedded is not None:
        variants.append(Variant(EMBEDDING, embedded))
    return variants


def _measure(variant, labels, ks, distance, threads, columns):
    found = retrieve(variant.vectors, labels, ks, distance, threads, variant.reorder)
    values = found.means()
    columns = {**columns, 'distance': distance, 'variant': variant.name}
    rows = [
        {**columns, 'metric': 'mAP', 'definition': definition, 'k': k, 'value': value}
        for (definition, k), value in values.items()
    ]
    compact = None
    if variant.reorder is None:  # a reordering leaves the vectors as they are
        compact = compactness(variant.vectors, labels, distance)
    if compact is not None:
        rows.append({**columns, 'metric': 'compactness', 'value': compact})
    text = _describe(found, values, compact, ', '.join(filter(None, (distance, variant.name))))
    return MeasuredRetrieval(rows, text, variant.name, distance, found)


def _describe(found, values, compact, title):
    queries, images = np.sum(found.has_relevant), len(found.labels)
    tied = np.sum(found.tied & found.has_relevant)
    ties = f', in {tied} a relevant image ties with an irrelevant one' if tied else ''
    lines = [f'  {title}: {queries} queries{ties}']
    for k in found.ks:
        row = ', '.join(f'{name} {values[name, k]:.4f}' for name in DEFINITIONS)
        lines.append(f'    mAP@{k}: {row}')
    if queries < images:
        lines.append(f'    {images - queries} queries skipped: no other image has their label')
    if compact is not None:
        lines.append(f'    compactness (distance within / between categories): {compact:.4f}')
    return '\n'.join(lines)
