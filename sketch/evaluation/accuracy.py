"""The accuracy of a checkpoint: the fraction of images that it classifies correctly."""

import dataclasses
import tempfile

import numpy as np

from sketch import atomic
from sketch.backend.patterns import literal
from sketch.backend.setup import tf
from sketch.backend.state import without_tf_config
from sketch.data.input_pipeline import evaluation_input_fn
from sketch.errors import InputError
from sketch.evaluation.measurement import Measurement, shared_columns
from sketch.metrics.intervals import wilson


def accuracy(checkpoint, split, size):
    """Return the fraction of a split's images that a checkpoint classifies correctly.

    Raises:
        InputError: the network's outputs are NaN or infinite.
    """
    # Evaluation writes summaries into model_dir. A checkpoint's own folder is only read.
    with (
        atomic.room_for_temporary_files(),
        tempfile.TemporaryDirectory() as model_dir,
        without_tf_config(),
    ):
        settings = checkpoint.settings
        estimator = tf.estimator.Estimator(
            settings.network.model_fn, literal(model_dir), params=settings.params
        )
        measured = estimator.evaluate(
            evaluation_input_fn(split, size), checkpoint_path=literal(checkpoint.prefix)
        )
    if not np.isfinite(measured['loss']):
        raise InputError(
            f'{checkpoint.folder}: its loss is NaN or infinite on {split.name} images; train again '
            'with a smaller learning rate'
        )
    if round(measured['images']) != len(split):
        raise RuntimeError(f'evaluated {measured["images"]:.0f} of {len(split)} images')
    correct = round(float(measured['accuracy']) * len(split))
    return correct / len(split)


def evaluate(checkpoint, dataset, splits):
    """Yield the accuracy of a checkpoint on each split as Measurements, once it is measured.

    Without classes that fit the data set there is no accuracy: no rows, and the text says why.
    """
    if reason := checkpoint.lacks_classes(dataset):
        yield Measurement([], f'{checkpoint.folder}: no accuracy: {reason}')
        return
    for split in [getattr(dataset, name) for name in splits]:
        value = accuracy(checkpoint, _with_labels_of(checkpoint, dataset, split), dataset.size)
        low, high = wilson(value, len(split))
        text = (
            f'{checkpoint.title}: accuracy {value:.4f} on {len(split)} {split.name} images '
            f'(95 %: {low:.4f} to {high:.4f})'
        )
        row = {'metric': 'accuracy', 'value': value, 'low': low, 'high': high}
        yield Measurement([{**shared_columns(checkpoint, dataset, split), **row}], text)
    if checkpoint.settings.categories is None:
        doubt = (
            f'{checkpoint.folder}: its categories are unknown. If they are not those of '
            f'{dataset.folder} in the same order, this accuracy is meaningless; use mAP'
        )
        yield Measurement([], doubt)


def _with_labels_of(checkpoint, dataset, split):
    """Return a split with the labels that a checkpoint has for the same category names."""
    theirs, ours = checkpoint.settings.categories, dataset.categories
    if theirs is None or theirs == ours or set(theirs) != set(ours):
        return split
    labels = np.array([theirs.index(name) for name in ours], np.int32)
    return dataclasses.replace(split, labels=labels[split.labels])
