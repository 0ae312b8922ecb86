"""Feature vectors (fc1) of a split's images, computed once per checkpoint and kept beside it.

<checkpoint folder>/fc1_test.npz
    vectors  float32 (images, 1024), fc1 of each image
    labels   int32 (images,)
    key_ids  text (images,), the images' file names without .png
    source   text, a hash of the checkpoint and the images; if it differs, all is computed again
"""

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketch import atomic
from sketch.backend.patterns import literal
from sketch.backend.setup import tf
from sketch.backend.state import without_tf_config
from sketch.data.input_pipeline import evaluation_input_fn
from sketch.errors import InputError


class FeatureVectors(NamedTuple):
    """One row per image, in a split's order; types as in the file."""

    vectors: np.ndarray
    labels: np.ndarray
    key_ids: np.ndarray


def feature_vectors(checkpoint, split, size):
    """Return the FeatureVectors of a split, from the file beside the checkpoint if it is current.

    Raises:
        InputError: the network gives NaN or infinity.
    """
    path = checkpoint.folder / f'fc1_{split.name}.npz'
    source = _source(checkpoint, split)
    cached = _read(path, source)
    if cached is not None:
        return cached
    settings = checkpoint.settings
    with without_tf_config():
        estimator = tf.estimator.Estimator(
            settings.features.model_fn, literal(checkpoint.folder), params=settings.params
        )
        predicted = estimator.predict(
            evaluation_input_fn(split, size),
            checkpoint_path=literal(checkpoint.prefix),
            yield_single_examples=False,
        )
        vectors = np.concatenate([batch['fc1'] for batch in predicted])
    check_finite(vectors, checkpoint)
    if len(vectors) != len(split):
        raise RuntimeError(f'{len(vectors)} feature vectors of {len(split)} images')
    key_ids = np.array([Path(os.fsdecode(path)).stem for path in split.paths])
    computed = FeatureVectors(vectors, split.labels, key_ids)
    content = io.BytesIO()
    np.savez(content, source=source, **computed._asdict())
    try:
        atomic.write_bytes(path, content.getvalue())
    except OSError as error:  # a read-only folder is no reason to stop
        print(f'{path}: not saved ({error.strerror})')
    return computed


def check_finite(vectors, checkpoint):
    """Raise InputError if a checkpoint's feature vectors contain NaN or infinity."""
    if not np.isfinite(vectors).all():
        raise InputError(f'{checkpoint.folder}: its feature vectors contain NaN or infinity')


def _source(checkpoint, split):
    """Return a hash of the checkpoint (its index has a checksum of every tensor) and the images."""
    digest = hashlib.sha256(Path(f'{checkpoint.prefix}.index').read_bytes())
    for path, label in zip(split.paths, split.labels):
        digest.update(b'%d/%s\n' % (label, os.path.basename(path)))
        digest.update(Path(os.fsdecode(path)).read_bytes())
    return digest.hexdigest()


def _read(path, source):
    """Return the FeatureVectors of a file; None if it is absent, corrupt or of another source."""
    try:
        with np.load(path, allow_pickle=False) as content:
            if str(content['source']) != source:
                return None
            return FeatureVectors(*(content[name] for name in FeatureVectors._fields))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
