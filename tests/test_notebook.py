"""docs/colab.ipynb, run as Colab runs it, at the scale `smoke` with synthetic drawings."""

import base64
import json
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from sketch.backend import installation
from sketch.reporting import results

NOTEBOOK = ROOT / 'docs' / 'colab.ipynb'
SCRIPTS = 'synthetic create_dataset train load mAP plots draw_networks search'
PICTURES = ['data', 'plots', 'search']  # cells that show some


def cells(notebook, kind='code'):
    """Return {id: source} of a notebook's cells."""
    return {
        cell['id']: ''.join(cell['source'])
        for cell in notebook['cells']
        if cell['cell_type'] == kind
    }


def test_is_stored_without_a_run():
    notebook = json.loads(NOTEBOOK.read_text(encoding='utf-8'))
    code = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    assert all(cell['outputs'] == [] and cell['execution_count'] is None for cell in code)
    ids = [cell['id'] for cell in notebook['cells']]
    assert len(set(ids)) == len(ids)
    called = re.findall(r'(\w+)\.main\(', '\n'.join(cells(notebook).values()))
    assert called == SCRIPTS.split()
    # Every scale has its expected time.
    namespace = {}
    exec(cells(notebook)['settings'], namespace)
    times = re.findall(r'^\| `([\w-]+)` \|', cells(notebook, 'markdown')['title'], re.MULTILINE)
    assert times == list(namespace['SCALES'])
    assert namespace['SCALE'] in times
    used = ''.join(cells(notebook).values())
    constants = [name for name in namespace if name.isupper()]
    assert all(len(re.findall(rf'\b{name}\b', used)) > 1 for name in constants), constants


@pytest.fixture
def repository(tmp_path):
    """A Git repository with what the notebook needs of this checkout."""
    folder = tmp_path / 'origin'
    for name in ('sketch', 'tools', 'docs/results'):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
    for path in [*ROOT.glob('*.py'), ROOT / 'categories.txt']:
        shutil.copy(path, folder)
    who = ['-c', 'user.name=test', '-c', 'user.email=test@localhost']
    for command in (['init', '-q'], ['add', '.'], [*who, 'commit', '-q', '-m', 'All of it']):
        subprocess.run(['git', *command], cwd=folder, check=True)
    return folder


def test_runs_from_an_empty_folder(repository, tmp_path, monkeypatch):
    if installation.check() < (2, 20):
        pytest.skip('the notebook is for TensorFlow 2.20 and later, as Colab has it')
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv('MPLBACKEND', 'module://matplotlib_inline.backend_inline')
    monkeypatch.setenv('JUPYTER_PATH', str(tmp_path / 'jupyter'))
    for name in ('http_proxy', 'https_proxy'):
        monkeypatch.setenv(name, 'http://127.0.0.1:9')  # nothing comes from the network
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (settings,) = (cell for cell in notebook.cells if cell.id == 'settings')
    smaller = {'data': '--classes 3 --train 20 --test 20 --size 96'}
    smaller['training'] = '--epochs 0 1 --batch-size 10'
    settings.source += f"\nADDRESS = {str(repository)!r}\nDRAWINGS = 'synthetic'\n"
    settings.source += f"SCALES['smoke'] = {smaller}\n"
    train = next(cell for cell in notebook.cells if cell.id == 'train')
    again = nbformat.v4.new_code_cell(train.source, id='again')
    state = nbformat.v4.new_code_cell('import matplotlib\nprint(matplotlib.get_backend())')
    notebook.cells += [again, state]
    work = tmp_path / 'work'
    work.mkdir()
    # The kernel of this very environment, whatever kernels are installed.
    kernel = tmp_path / 'jupyter' / 'kernels' / 'here'
    kernel.mkdir(parents=True)
    start = [sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    description = {'argv': start, 'display_name': 'here', 'language': 'python'}
    (kernel / 'kernel.json').write_text(json.dumps(description))
    client = NotebookClient(
        notebook, timeout=300, kernel_name='here', resources={'metadata': {'path': str(work)}}
    )
    client.execute()

    outputs = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == 'code'}
    streams = {
        name: [output for output in found if output.output_type == 'stream']
        for name, found in outputs.items()
    }
    texts = {name: ''.join(output.text for output in found) for name, found in streams.items()}
    noise = [o.text for found in streams.values() for o in found if o.name == 'stderr']
    is_progress = re.compile(r'\rdrawing: |\s*$')
    assert [text for text in noise if not is_progress.match(text)] == []
    for name in PICTURES:
        pictures = [output.data['image/png'] for output in outputs[name] if 'data' in output]
        assert pictures
        assert all(base64.b64decode(picture).startswith(b'\x89PNG') for picture in pictures)
    assert 'without a GPU' in texts['tensorflow']
    assert texts['again'].count('already trained') == 4
    assert 'inline' in texts[notebook.cells[-1].id]
    rows = results.read(work / 'sketches' / 'smoke' / 'results.csv')
    measured = {(row['net'], row['epochs']) for row in rows if row['metric'] == 'accuracy'}
    assert measured == {('n1', '0'), ('n1', '1'), ('n2', '0'), ('n2', '1')}
    assert {row['k'] for row in rows if row['metric'] == 'mAP'} == {'49', '59'}
