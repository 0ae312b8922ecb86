"""Feature vectors (fc1) of a split's images, computed once per checkpoint and kept beside it.

<checkpoint folder>/fc1_test.npz
    vectors  float32 (images, 1024), fc1 of each image
    labels   int32 (images,)
    key_ids  text (images,), the images' file names without .png
    source   text, a hash of the checkpoint and of the images: others are computed anew
"""

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketch import atomic
from sketch.data.input_pipeline import evaluation_input_fn
from sketch.errors import InputError
from sketch.runs.checkpoints import FEATURES
from sketch.tensorflow_setup import tf
from sketch.training.distribution import alone

FC2 = 'ConvNet/dense_1'  # as the published checkpoints name the last layer
EMBEDDING = 'ConvNet/embedding/kernel'


class FeatureVectors(NamedTuple):
    """One row an image, in a split's order; the types are those of the file."""

    vectors: np.ndarray
    labels: np.ndarray
    key_ids: np.ndarray


def feature_vectors(checkpoint, split, size):
    """Return the FeatureVectors of a split, from the file beside the checkpoint if it is current.

    Args:
        checkpoint: checkpoints.Checkpoint.
        split: dataset.Split.
        size: side of its images in pixels.

    Raises:
        InputError: the network gives values that are not finite.
    """
    path = checkpoint.folder / f'fc1_{split.name}.npz'
    source = _source(checkpoint, split)
    kept = _read(path, source)
    if kept is not None:
        return kept
    vectors = extract(checkpoint, evaluation_input_fn(split, size))
    if len(vectors) != len(split):
        raise RuntimeError(f'{len(vectors)} feature vectors of {len(split)} images')
    computed = FeatureVectors(vectors, split.labels, np.array([_key_id(p) for p in split.paths]))
    content = io.BytesIO()
    np.savez(content, source=source, **computed._asdict())
    try:
        atomic.write_bytes(path, content.getvalue())
    except OSError as error:  # a folder that may only be read will do
        print(f'{path}: not kept ({error.strerror})')
    return computed


def vector_of(checkpoint, image):
    """Return fc1, float32 (1024,), of one image, uint8 (side, side)."""
    batch = image[np.newaxis, :, :, np.newaxis]
    return extract(checkpoint, lambda: tf.data.Dataset.from_tensors(batch))[0]


def extract(checkpoint, input_fn):
    """Return fc1 of all images that an input function gives, float32 (images, 1024).

    Raises:
        InputError: the network gives values that are not finite.
    """
    alone()
    settings = checkpoint.settings
    estimator = tf.estimator.Estimator(
        FEATURES[settings.net].model_fn, str(checkpoint.folder), params=settings.params
    )
    predicted = estimator.predict(
        input_fn, checkpoint_path=checkpoint.prefix, yield_single_examples=False
    )
    vectors = np.concatenate([batch['fc1'] for batch in predicted])
    if not np.isfinite(vectors).all():
        raise InputError(f'{checkpoint.prefix}: gives feature vectors that are not finite')
    return vectors


def class_probabilities(checkpoint, vectors):
    """Return what the checkpoint's last layer makes of fc1: float64 (images, classes), sums 1."""
    kernel, bias = (
        tf.train.load_variable(checkpoint.prefix, f'{FC2}/{name}') for name in ('kernel', 'bias')
    )
    logits = vectors.astype(np.float64) @ kernel + bias
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def embeddings(checkpoint, vectors):
    """Return what a triplet loss made of fc1, float64 (images, embedding size) of length 1.

    None for a checkpoint that was trained without one. A vector of zeros stays so.
    """
    if not checkpoint.settings.embedding_size:
        return None
    embedded = vectors.astype(np.float64) @ tf.train.load_variable(checkpoint.prefix, EMBEDDING)
    return embedded / np.maximum(np.linalg.norm(embedded, axis=1, keepdims=True), 1e-12)


def _source(checkpoint, split):
    """Return a hash of the checkpoint (its index holds a checksum of every tensor) and images."""
    content = hashlib.sha256(Path(f'{checkpoint.prefix}.index').read_bytes())
    for path, label in zip(split.paths, split.labels):
        content.update(b'%d/%s\n' % (label, os.path.basename(path)))
        content.update(Path(os.fsdecode(path)).read_bytes())
    return content.hexdigest()


def _read(path, source):
    """Return the FeatureVectors of a file, None if it is not there, damaged or of other things."""
    try:
        with np.load(path, allow_pickle=False) as content:
            if str(content['source']) != source:
                return None
            return FeatureVectors(*(content[name] for name in FeatureVectors._fields))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _key_id(path):
    return Path(os.fsdecode(path)).stem
