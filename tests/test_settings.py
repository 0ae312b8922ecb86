"""The settings of a run: its folder's name, its settings.json."""

import dataclasses

import pytest

from sketch import atomic
from sketch.errors import InputError
from sketch.runs import settings as run_settings
from sketch.runs.names import epochs_in, series
from sketch.runs.settings import Settings

SETTINGS = Settings('n1', (64, 64, 64, 64), 100, 10, size=128, batch_size=128, seed=0)


@pytest.mark.parametrize(
    ('changes', 'name'),
    [
        ({}, 'checkpoints_n1_10e'),
        ({'net': 'n2', 'filters': ()}, 'checkpoints_n2_10e'),
        ({'epochs': 0.25}, 'checkpoints_n1_0.25e'),
        ({'filters': (64, 128, 128, 256)}, 'checkpoints_n1_fig1_10e'),
        ({'filters': (8, 8, 8, 8)}, 'checkpoints_n1_filters8-8-8-8_10e'),
        ({'seed': 20231123, 'batch_size': 16}, 'checkpoints_n1_batch16_seed20231123_10e'),
        (
            {'learning_rate': 0.0005, 'batch_norm_momentum': 0.9},
            'checkpoints_n1_rate0.0005_momentum0.9_10e',
        ),
        ({'loss': 'triplet'}, 'checkpoints_n1_triplet_10e'),
        (
            {'loss': 'triplet', 'margin': 0.5, 'embedding_size': 64, 'images_per_class': 8},
            'checkpoints_n1_triplet_margin0.5_embedding64_images8_10e',
        ),
        (
            {'augment': True, 'learning_rate_decay': 0.8, 'precise_bn': True},
            'checkpoints_n1_decay0.8_augment_precise-bn_10e',
        ),
        ({'precision': 'mixed_float16', 'seed': 1}, 'checkpoints_n1_seed1_mixed_10e'),
    ],
)
def test_names(changes, name):
    assert dataclasses.replace(SETTINGS, **changes).folder_name == name
    assert epochs_in(name) == changes.get('epochs', 10)
    assert series(name) == name.rsplit('_', 1)[0]


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'version': 3}, 'not settings of this version'),
        ({'unknown': 1}, 'not settings of this version'),
        ({'net': 'n3'}, 'net cannot be'),
        ({'epochs': float('nan')}, 'epochs cannot be'),
        ({'epochs': 1e-13}, 'epochs cannot be'),
        ({'classes': 2.5}, 'classes cannot be'),
        ({'classes': True}, 'classes cannot be'),
        ({'filters': [64, 64]}, 'filters cannot be'),
        ({'filters': [64, 64, 64, 0]}, 'filters cannot be'),
        ({'size': 10**400}, 'size cannot be'),
        ({'batch_norm_momentum': 1.0}, 'batch_norm_momentum cannot be'),
        ({'loss': None}, 'loss cannot be'),
        ({'categories': 'cat'}, 'categories cannot be'),
        ({'categories': [1, 2]}, 'categories cannot be'),
        ({'categories': ['a', 'b']}, '2 categories, but 100 classes'),
        ({'filters': []}, 'filters or batch_size are missing'),
        ({'net': 'n2'}, 'filters or batch_size are missing'),
        ({'images': 100, 'batch_size': None}, 'filters or batch_size are missing'),
    ],
)
def test_settings_edited_by_hand(tmp_path, changes, words):
    written = {'version': 2, **dataclasses.asdict(SETTINGS), **changes}
    atomic.write_json(tmp_path / run_settings.FILE, written)
    with pytest.raises(InputError, match=f'settings.json.*{words}'):
        run_settings.load(tmp_path)


@pytest.mark.parametrize(
    ('text', 'words'),
    [('{"net": "n1"', 'corrupt'), ('{"version": 2, "net": "n1"}', 'not settings')],
)
def test_settings_that_are_not_whole(tmp_path, text, words):
    (tmp_path / run_settings.FILE).write_text(text)
    with pytest.raises(InputError, match=words):
        run_settings.load(tmp_path)


@pytest.mark.parametrize(('images', 'batch'), [(24, 8), (14_300, 128), (100_000, 16), (7, 3)])
def test_epochs_of_an_unfinished_training(images, batch):
    settings = dataclasses.replace(SETTINGS, images=images, batch_size=batch)
    for step in {1, 2, 3, settings.last_step // 3, settings.last_step - 2, settings.last_step - 1}:
        epochs = settings.epochs_after(step)
        # Less than it will have, and a folder of that name is finished.
        assert 0 < epochs < settings.epochs
        assert dataclasses.replace(settings, epochs=epochs).is_finished(step)
        if step * batch > images / 100:
            assert epochs == pytest.approx(step * batch / images, abs=0.001)


def test_settings_are_read_as_they_were_saved(tmp_path):
    settings = dataclasses.replace(SETTINGS, loss='triplet', categories=('a', 'b'), classes=2)
    run_settings.save(tmp_path, settings)
    assert run_settings.load(tmp_path) == settings
