"""tools.export: a SavedModel and a TensorFlow Lite file that need none of this code."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import NARROW, options

import n2
import train
from sketch.data.image_file import read_image
from sketch.errors import InputError
from sketch.evaluation import exported
from sketch.evaluation.loaded_network import LoadedNetwork
from sketch.reporting import results
from sketch.runs.checkpoints import open_checkpoint
from tools import export

# Run in a folder without this project: plain TensorFlow.
USE = """
import sys, numpy as np, tensorflow as tf
folder, out = sys.argv[1:]
images = np.load('images.npy')
found = {}
signatures = tf.saved_model.load(f'{folder}/saved_model').signatures
for name, function in signatures.items():
    for count in (1, len(images)):
        for output, value in function(images=tf.constant(images[:count])).items():
            found[f'saved {name} {output} {count}'] = value.numpy()
for file in ('model', 'model_float16'):
    interpreter = tf.lite.Interpreter(f'{folder}/{file}.tflite')
    for count in (1, len(images)):
        for output, value in interpreter.get_signature_runner()(images=images[:count]).items():
            found[f'{file} {output} {count}'] = value
    # Without signatures, as older programs do it.
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given['index'], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given['index'], images)
    interpreter.invoke()
    for output in interpreter.get_output_details():
        value = interpreter.get_tensor(output['index'])
        found[f'{file} resized {value.shape[1]}'] = value
assert 'sketch' not in sys.modules
np.savez(out, **found)
"""


def train_to(epochs, dataset, root, *flags):
    """Train, measure on the test images, and return the folder."""
    train.main(options(dataset, root, '--epochs', epochs, '--measure', 'test', *flags))
    return next(root.glob('checkpoints_*'))


def used(folder, images, tmp_path):
    """Return what a process without this project gets from an export: {name: array}."""
    np.save(tmp_path / 'images.npy', images)
    command = [sys.executable, '-c', USE, folder, 'found.npz']
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    with np.load(tmp_path / 'found.npz', allow_pickle=False) as found:
        return dict(found)


@pytest.mark.parametrize('net', ['n1', 'n2'])
def test_values_are_the_checkpoints(trained, small_dataset, tmp_path, monkeypatch, net, capfd):
    monkeypatch.setattr(n2, 'FILTERS', (4, 6, 8))
    if net == 'n1':
        folder = trained(tmp_path, 2)
    else:
        folder = train_to(1, small_dataset, tmp_path, '--net', 'n2', '--batch-size', '8')
    out = tmp_path / 'exported'
    capfd.readouterr()
    table = ['--results', f'{tmp_path}/results.csv']
    export.main([f'{folder}', '--out', f'{out}', '--float16', *table])
    printed = capfd.readouterr()  # of C++ code, too
    assert printed.err == ''
    for form in ('saved_model', 'model.tflite', 'model_float16.tflite'):
        assert f'{form}: ' in printed.out
    images = np.stack([read_image(path) for path in small_dataset.test.paths])
    found = used(out, images, tmp_path)
    checkpoint = open_checkpoint(folder, small_dataset)
    with LoadedNetwork(checkpoint, 96) as network:
        fc1 = network.fc1(images)
        probabilities = network.outputs.class_probabilities(fc1)
    for count in (1, len(images)):
        for name in (f'saved features fc1 {count}', f'model fc1 {count}'):
            np.testing.assert_allclose(found[name], fc1[:count], atol=1e-5 * fc1.max())
        for name in (f'saved classify probabilities {count}', f'model probabilities {count}'):
            np.testing.assert_allclose(found[name], probabilities[:count], atol=1e-4)
    np.testing.assert_allclose(found['model resized 1024'], fc1, atol=1e-5 * fc1.max())
    np.testing.assert_allclose(found['model resized 3'], probabilities, atol=1e-4)
    rough = found[f'model_float16 probabilities {len(images)}']
    np.testing.assert_allclose(rough, probabilities, atol=0.02)
    # A server joins requests: every output has a row per image, and one signature has all of them.
    assert all(
        len(value) == int(name.split()[-1]) for name, value in found.items() if 'saved' in name
    )
    for output, of in (('probabilities', 'classify'), ('fc1', 'features')):
        same = [found[f'saved {name} {output} 12'] for name in ('serving_default', of)]
        np.testing.assert_array_equal(*same)
    for labels in (out / 'labels.txt', out / 'saved_model' / exported.LABELS):
        assert labels.read_text().splitlines() == list(small_dataset.categories)
    card = (out / 'MODEL_CARD.md').read_text()
    assert 'CC BY 4.0' in card
    training, measurements = card.split('## Measured')
    assert f'24 drawings of 3 categories, data set {small_dataset.digest}' in training
    rows = results.read(tmp_path / 'results.csv')
    (row,) = (row for row in rows if row['split'] == 'test')
    values = [f'{float(row[name]):.4f}' for name in ('value', 'low', 'high')]
    cells = ['accuracy', 'test', '', '', '', '', *values, '12', '0', small_dataset.digest]
    assert f'| {" | ".join(cells)} | {row["time"]} |' in measurements
    sizes = [(out / f'{name}.tflite').stat().st_size for name in ('model_float16', 'model')]
    assert sizes[0] < sizes[1]


def test_a_triplet_loss_gives_an_embedding_and_no_classes(small_dataset, tmp_path):
    triplets = ['--loss', 'triplet', '--images-per-class', '4']
    folder = train_to(0, small_dataset, tmp_path, *NARROW, *triplets)
    out = export.main([f'{folder}', '--out', f'{tmp_path}/exported', '--float16'])
    images = np.stack([read_image(path) for path in small_dataset.test.paths])
    found = used(out, images, tmp_path)
    assert not any('probabilities' in name for name in found)
    checkpoint = open_checkpoint(folder, small_dataset)
    with LoadedNetwork(checkpoint, 96) as network:
        expected = network.outputs.embedding(network.fc1(images))
    for name in ('saved embedding embedding 12', 'model embedding 12'):
        np.testing.assert_allclose(found[name], expected, atol=1e-4)
    card = (out / 'MODEL_CARD.md').read_text()
    assert 'does not train the classifier' in card
    assert '`embedding`' in card
    assert not (out / 'labels.txt').exists()
    assert '- margin: 0.2\n' in card


def test_a_checkpoint_without_settings(make_dataset, tmp_path):
    # Nothing tells the size of its images; the paper's is assumed.
    folder = train_to(0, make_dataset(tmp_path / 'data', size=128), tmp_path, *NARROW)
    (folder / 'settings.json').unlink()
    out = export.main([f'{folder}', '--out', f'{tmp_path}/exported'])
    assert not (out / 'labels.txt').exists()
    card = (out / 'MODEL_CARD.md').read_text()
    assert 'no settings.json. It has 3 classes' in card
    assert 'learning_rate' not in card  # a default would be a guess
    assert 'labels.txt' not in card


def test_nothing_is_left_of_an_export_that_fails(trained, tmp_path, monkeypatch):
    folder = trained(tmp_path, 0)
    before = sorted(tmp_path.iterdir())

    def fails(*arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(exported, 'to_lite', fails)
    with pytest.raises(
        InputError, match=f'{tmp_path}/exported: No space left on device; make room'
    ):
        export.main([f'{folder}', '--out', f'{tmp_path}/exported'])
    assert sorted(tmp_path.iterdir()) == before


def test_refused(refused, small_dataset, tmp_path):
    (tmp_path / 'there').mkdir()
    refused('tools.export', tmp_path, '--out', tmp_path / 'there', words=['there: exists'])
    refused('tools.export', tmp_path, '--out', tmp_path / 'no' / 'x', words=['is no folder'])
    refused('tools.export', tmp_path, '--out', tmp_path / 'new', words=[tmp_path])
    assert [path.name for path in tmp_path.iterdir()] == ['there']
