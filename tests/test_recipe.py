"""CONTRIBUTING.md's recipe for a network, done in a copy of the project with a small network."""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, variables

from sketch.reporting import results

BACKBONE = """
from sketch.networks.heads import classifier
from sketch.networks.layers import conv, fc1, pool


def tiny(images, training, params):
    x = images
    for filters in params['filters']:
        x = pool(conv(x, filters, training, params['batch_norm_momentum']))
    return fc1(x)


def model_fn(features, labels, mode, params):
    return classifier(tiny, features, labels, mode, params)
"""
FEATURES = """
from n3 import tiny
from sketch.networks.heads import feature_extractor


def model_fn(features, labels, mode, params):
    return feature_extractor(tiny, features, mode, params)
"""
ROW = "    'n3': Network('tinyNet', 3, 29, (4, 4, 4), ('tab:olive', 'tab:pink')),\n"
# What is added to each place that the recipe names; to a file that exists, the text stands before
# the end of NETWORKS.
ADDED = {'n3.py': BACKBONE, 'n3_features.py': FEATURES, 'sketch/networks/registry.py': ROW}
RUN = 'checkpoints_n3_filters2-3-4_batch8'
SIZE = '32'  # pixels; skNet and skResNet take larger images only


@pytest.fixture
def project(tmp_path):
    """A copy of the project in which the recipe was followed."""
    copy = tmp_path / 'project'
    for name in ('sketch', 'tools', 'tests', 'docs/results'):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns('__pycache__'))
    for path in (*ROOT.glob('*.py'), ROOT / 'pyproject.toml'):
        shutil.copy(path, copy)
    text = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    recipe = text.split('**a network** (n3)\n')[1].split('\n\n')[0]
    places = re.findall(r'^\d\. `([^`]+)`', recipe, re.MULTILINE)
    assert sorted(places) == sorted(ADDED), 'the recipe and this test name different places'
    for place in places:
        path = copy / place
        before, end = path.read_text().split('\n}\n', 1) if path.exists() else ('', '')
        path.write_text(f'{before}\n{ADDED[place]}' + (f'}}\n{end}' if end else ''))
    return copy


def test_a_network(project, sample_files, tmp_path):
    def run(*words):
        command = [sys.executable, *map(str, words)]
        ended = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    # 1. The row is that of the network.
    run('-m', 'pytest', 'tests/test_networks.py', '-k', 'record and n3')
    # 2. Images that only this network takes; training, with widths that are not its own.
    source = ['--files', sample_files / 'files', '--categories', sample_files / 'categories.txt']
    sizes = ['--classes', 3, '--train', 8, '--test', 4, '--size', SIZE]
    made = run('create_dataset.py', *source, '--out', '.', *sizes)
    assert 'skResNet takes larger images only' in made
    assert 'tinyNet takes' not in made
    widths = ['--filters', 2, 3, 4, '--batch-size', 8]
    assert 'tinyNet to 0, 1 epochs' in run(
        'train.py', '--net', 'TinyNet', '--epochs', 0, 1, *widths
    )
    folders = [project / f'{RUN}_{epochs}e' for epochs in (0, 1)]
    kernels = [v for name, v in variables(folders[1]).items() if re.search('conv.*kernel$', name)]
    assert [kernel.shape[-1] for kernel in kernels] == [2, 3, 4]
    # 3. Evaluation, of a copy without settings, too: it is recognised.
    copied = shutil.copytree(folders[1], tmp_path / 'checkpoint_1e')
    (copied / 'settings.json').unlink()
    assert f'{copied}: tinyNet, step 3' in run('load.py', *folders, copied)
    run('mAP.py', *folders, '--k', 5)
    rows = [row for row in results.read(project / 'results.csv') if row['net'] == 'n3']
    assert {(row['run'], row['metric']) for row in rows} >= {
        (folder.name, metric) for folder in folders for metric in ('accuracy', 'mAP')
    }
    trained, recognised = (
        [(row['filters'], row['split'], row['value']) for row in rows if row['run'] == folder.name]
        for folder in (folders[1], copied)
    )
    assert len(recognised) == 2
    assert set(recognised) <= set(trained)
    # 4. Figures, a search, an export.
    run('plots.py')
    accuracy = project / 'figures' / 'figure_3.png'
    drawn = accuracy.read_bytes()
    run('-m', 'tools.draw_networks')
    assert accuracy.read_bytes() == drawn
    assert (project / 'figures' / 'network_n3.png').stat().st_size > 10_000
    run('search.py', '--examples', 'best', '--out', 'found.png')
    assert (project / 'found.png').stat().st_size > 1000
    run('-m', 'tools.export', folders[1], '--out', 'exported')
    assert (project / 'exported' / 'MODEL_CARD.md').read_text().startswith('# tinyNet')
