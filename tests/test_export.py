"""tools.export: a SavedModel and a TensorFlow Lite file that need none of this code."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import NARROW

import train
from sketch.data.image_file import read_image
from sketch.evaluation import accuracy
from sketch.evaluation.loaded_network import LoadedNetwork
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
            value = value.numpy()
            text = value.dtype == object
            found[f'saved {name} {output} {count}'] = value.astype('S') if text else value
for file in ('model', 'model_float16'):
    interpreter = tf.lite.Interpreter(f'{folder}/{file}.tflite')
    for count in (1, len(images)):
        for output, value in interpreter.get_signature_runner()(images=images[:count]).items():
            found[f'{file} {output} {count}'] = value
assert 'sketch' not in sys.modules
np.savez(out, **found)
"""


def trained(dataset, root, *flags):
    arguments = ['--data', dataset.folder, '--checkpoints', root, *flags]
    arguments += ['--results', root / 'results.csv', '--measure', 'test', '--epochs', '2']
    train.main([str(argument) for argument in arguments])
    (folder,) = root.glob('checkpoints_*_2e')
    return folder


def used(folder, images, tmp_path):
    """Return what a process without this project gets from an export: {name: array}."""
    np.save(tmp_path / 'images.npy', images)
    command = [sys.executable, '-c', USE, folder, 'found.npz']
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    with np.load(tmp_path / 'found.npz', allow_pickle=False) as found:
        return dict(found)


@pytest.mark.parametrize('net', ['n1', 'n2'])
def test_values_are_the_checkpoints(small_dataset, tmp_path, net, capsys):
    network = NARROW if net == 'n1' else ['--net', 'n2', '--batch-size', '8']
    folder = trained(small_dataset, tmp_path, *network)
    out = tmp_path / 'exported'
    capsys.readouterr()
    export.main(
        [f'{folder}', '--out', f'{out}', '--float16', '--results', f'{tmp_path}/results.csv']
    )
    printed = capsys.readouterr()
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
    rough = found[f'model_float16 probabilities {len(images)}']
    np.testing.assert_allclose(rough, probabilities, atol=0.02)
    names = [name.decode() for name in found['saved classify class_names 1']]
    assert names == list(small_dataset.categories)
    assert (out / 'labels.txt').read_text().splitlines() == names
    (measured,) = accuracy.evaluate(checkpoint, small_dataset, ['test'])
    card = (out / 'MODEL_CARD.md').read_text()
    assert f'{measured.rows[0]["value"]:.4f} |' in card
    assert small_dataset.digest in card
    assert 'CC BY 4.0' in card
    sizes = [(out / f'{name}.tflite').stat().st_size for name in ('model_float16', 'model')]
    assert sizes[0] < sizes[1]


def test_a_triplet_loss_gives_an_embedding_and_no_classes(make_dataset, tmp_path):
    dataset = make_dataset(tmp_path / 'data', train=8)
    folder = trained(dataset, tmp_path, *NARROW, '--loss', 'triplet', '--images-per-class', '4')
    out = export.main([f'{folder}', '--out', f'{tmp_path}/exported', '--float16'])
    images = np.stack([read_image(path) for path in dataset.test.paths])
    found = used(out, images, tmp_path)
    assert not any('probabilities' in name for name in found)
    checkpoint = open_checkpoint(folder, dataset)
    with LoadedNetwork(checkpoint, 96) as network:
        expected = network.outputs.embedding(network.fc1(images))
    for name in ('saved embedding embedding 12', 'model embedding 12'):
        np.testing.assert_allclose(found[name], expected, atol=1e-4)
    assert 'does not train the classifier' in (out / 'MODEL_CARD.md').read_text()


def test_a_checkpoint_without_settings(make_dataset, tmp_path):
    folder = trained(make_dataset(tmp_path / 'data', size=128), tmp_path, *NARROW)
    (folder / 'settings.json').unlink()
    out = export.main([f'{folder}', '--out', f'{tmp_path}/exported'])
    assert not (out / 'labels.txt').exists()
    assert 'no settings.json' in (out / 'MODEL_CARD.md').read_text()


def test_refused(refused, small_dataset, tmp_path):
    (tmp_path / 'there').mkdir()
    refused('tools.export', tmp_path, '--out', tmp_path / 'there', words=['there: exists'])
    refused('tools.export', tmp_path, '--out', tmp_path / 'no' / 'x', words=['is no folder'])
    refused('tools.export', tmp_path, '--out', tmp_path / 'new', words=[tmp_path])
    assert [path.name for path in tmp_path.iterdir()] == ['there']
