"""The triplet loss: its value, its batches, and training with it."""

import re

import numpy as np
import pytest
from conftest import options

import mAP
import train
from sketch.backend.setup import tf
from sketch.data.input_pipeline import training_input_fn
from sketch.data.samplers import balanced_batch
from sketch.evaluation import features
from sketch.metrics.average_precision import DEFINITIONS
from sketch.networks import losses
from sketch.reporting import results
from sketch.runs import checkpoints
from sketch.runs.settings import Settings


def by_hand(embeddings, labels, margin):
    """The mean loss over all pairs of a category, one triplet at a time."""
    losses = []
    for a, anchor in enumerate(embeddings):
        for p, positive in enumerate(embeddings):
            others = [e for e, label in zip(embeddings, labels) if label != labels[a]]
            if p == a or labels[p] != labels[a]:
                continue
            near = np.sum((anchor - positive) ** 2)
            far = [np.sum((anchor - other) ** 2) for other in others]
            chosen = min([f for f in far if f > near], default=max(far, default=0))
            losses.append(max(0, near - chosen + margin))
    return np.mean(losses) if losses else 0


@pytest.mark.parametrize('labels', [[0, 0, 1, 1], [2, 0, 1, 2, 0, 1, 2, 2], [0, 1, 2], [1, 1, 1]])
@pytest.mark.parametrize('margin', [0.01, 0.2, 1.0])
def test_semi_hard_loss(labels, margin):
    for seed in range(5):
        vectors = np.random.default_rng(seed).normal(size=(len(labels), 3)).astype(np.float32)
        embeddings = losses.normalise(vectors)
        assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1)
        loss = losses.semi_hard_triplet(embeddings, tf.constant(labels), margin)
        assert float(loss) == pytest.approx(by_hand(embeddings.numpy(), labels, margin), abs=1e-5)


def test_gradients_are_finite_where_vectors_are_zero_or_equal():
    vectors = tf.constant([[0.0, 0.0], [1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        loss = losses.semi_hard_triplet(losses.normalise(vectors), tf.constant([0, 0, 1, 1]), 0.2)
    assert loss > 0
    assert np.isfinite(tape.gradient(loss, vectors)).all()


def test_batches_hold_the_same_number_of_images_of_each_category(small_dataset):
    split = small_dataset.train
    chosen = [balanced_batch(split.labels, 6, 3, 0, step) for step in range(20)]
    for batch in chosen:
        assert len(set(batch)) == 6
        assert sorted(np.bincount(split.labels[batch], minlength=3)) == [0, 3, 3]
    assert set(np.concatenate(chosen)) == set(range(24))


@pytest.mark.parametrize('replicas', [1, 2])
def test_the_stream_of_batches_resumes_where_it_stopped(small_dataset, replicas):
    def labels(first, steps):
        more = {'loss': 'triplet', 'images_per_class': 2}
        settings = Settings('n1', (), 3, 1, batch_size=4 * replicas, seed=1, **more)
        place = {'first_step': first, 'num_replicas': replicas}
        stream = training_input_fn(small_dataset.train, 96, settings, **place)()
        taken = stream.take(steps * replicas).as_numpy_iterator()
        return np.concatenate([labels for _, labels in taken])

    whole = labels(0, 9)
    # Two devices: 4 categories of 3 in a step, 2 on each.
    assert labels(6, 3).tolist() == whole[24 * replicas :].tolist()
    pairs = whole.reshape(-1, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all()
    assert (pairs[0::2, 0] != pairs[1::2, 0]).all()


@pytest.mark.parametrize(
    ('flags', 'words'),
    [
        ('--batch-size 10 --images-per-class 4', ['batch size', '10 images']),
        ('--batch-size 16 --images-per-class 4', ['2 to 3 categories', '4 from 8 to 12']),
        ('--batch-size 18 --images-per-class 9', ['images per class 9', '2 to 8']),
        ('--margin 0', ['--margin']),
    ],
)
def test_batches_that_cannot_be_made(refused, small_dataset, tmp_path, flags, words):
    triplets = ['--net', 'n1', '--loss', 'triplet', *flags.split()]
    refused('train.py', *options(small_dataset, tmp_path, *triplets), words=words)
    assert not list(tmp_path.glob('checkpoints_*'))


@pytest.mark.parametrize('loss', ['triplet', 'triplet-and-cross-entropy'])
def test_training_and_evaluation(small_dataset, tmp_path, capsys, loss):
    narrow = ['--net', 'n1', '--filters', *'4444', '--batch-size', 12, '--learning-rate', 0.003]
    narrow += ['--loss', loss, '--embedding-size', 8, '--batch-norm-momentum', 0.9]
    train.main(options(small_dataset, tmp_path, *narrow, '--epochs', 40))
    printed = re.findall(r'loss ([\d.]+)', capsys.readouterr().out)
    assert float(printed[-1]) < 0.1  # embeddings that fell together would cost the margin, 0.2
    (folder,) = tmp_path.glob('checkpoints_*')
    flags = 'embedding8_batch12_rate0.003_momentum0.9'
    assert folder.name == f'checkpoints_n1_filters4-4-4-4_{loss}_{flags}_40e'
    mAP.main(options(small_dataset, tmp_path, '--k', 'all', '--rerank'))
    rows = results.read(tmp_path / 'results.csv')
    assert any(row['metric'] == 'accuracy' for row in rows) == (loss != 'triplet')
    assert any('rerank' in row['variant'] for row in rows) == (loss != 'triplet')
    values = {
        (row['variant'], row['definition']): float(row['value'])
        for row in rows
        if row['metric'] == 'mAP' and 'rerank' not in row['variant']
    }
    assert set(values) == {(v, r) for v in ('', 'embedding') for r in DEFINITIONS}
    checkpoint = checkpoints.open_checkpoint(folder, small_dataset)
    split = small_dataset.test
    fc1 = features.feature_vectors(checkpoint, split, small_dataset.size).vectors
    kernel = tf.train.load_variable(checkpoint.prefix, 'ConvNet/embedding/kernel')
    for variant, vectors in (('', fc1), ('embedding', losses.normalise(fc1 @ kernel).numpy())):
        expected = pytest.approx(mAP.mAP(vectors, split.labels, 11), abs=1e-3)
        assert values[variant, 'standard'] == expected
