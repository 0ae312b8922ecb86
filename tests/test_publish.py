"""tools.publish: a checkpoint folder without the optimizer, that all scripts take by its name."""

import hashlib
from pathlib import Path

import pytest
from conftest import ROOT, variables

import create_dataset
import load
import mAP
import search
from sketch.errors import InputError
from sketch.reporting import results
from sketch.runs import checksums, folders
from sketch.runs.checkpoints import open_checkpoint
from tools import publish

SHIPPED = 'sknet_22x650_10e'  # in weights/


@pytest.fixture
def published(trained, small_dataset, tmp_path, monkeypatch):
    """Options that name a data set and a table, the trained folder and the published one."""
    table = ['--data', str(small_dataset.folder), '--results', str(tmp_path / 'results.csv')]
    folder = trained(tmp_path, 2)
    (tmp_path / 'weights').mkdir()
    monkeypatch.setattr(folders, 'WEIGHTS', tmp_path / 'weights')
    out = publish.main([str(folder), '--out', str(tmp_path / 'weights' / 'narrow_2e'), *table[2:]])
    return table, folder, out


def check_sums(folder):
    """Check that SHA256SUMS has the sum of every other file that is published."""
    lines = (folder / checksums.FILE).read_text().splitlines()
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != checksums.FILE and path.suffix != '.npz'  # feature vectors are a cache
    }
    assert lines == [f'{digest}  {name}' for name, digest in sorted(sums.items())]


def test_only_the_optimizer_is_left_out(published):
    _, trained, out = published
    before, after = variables(trained), variables(out)
    left = {name for name in before if name not in after}
    assert left == {name for name in before if 'Adam' in name or name.startswith('beta')}
    assert left
    assert all((before[name] == value).all() for name, value in after.items())
    assert (out / 'settings.json').read_bytes() == (trained / 'settings.json').read_bytes()
    card = (out / 'MODEL_CARD.md').read_text()
    assert 'accuracy | test' in card
    assert 'in the order of `categories` in' in card
    assert 'embedding' not in card
    check_sums(out)


def test_the_name_alone_is_enough(published, small_dataset, tmp_path, monkeypatch):
    table, trained, out = published
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path / 'elsewhere')
    load.main([*table, 'narrow_2e'])
    mAP.main([*table, '--k', '3', 'narrow_2e'])
    mAP.main([*table, '--k', '3', str(trained)])
    rows = results.read(tmp_path / 'results.csv')
    own, of_trained = (
        [
            (row['metric'], row['split'], row['definition'], row['value'])
            for row in rows
            if row['run'] == folder.name
        ]
        for folder in (out, trained)
    )
    assert own == of_trained
    assert len(own) == 2 + 4 + 1  # accuracies, four definitions, compactness
    query = [*table[:2], '--checkpoint', 'narrow_2e', '--out', 'found.png']
    search.main([*query, small_dataset.test.paths[0].decode()])
    # A folder of that name here goes first.
    Path('narrow_2e').mkdir()
    with pytest.raises(InputError, match='narrow_2e: no checkpoint in it'):
        load.main([*table, 'narrow_2e'])
    with pytest.raises(InputError, match='other_2e: no such folder'):
        load.main([*table, 'other_2e'])


def test_the_card_has_the_rows_of_its_checkpoint_only(published, tmp_path, capsys):
    table, trained, _ = published
    rows = results.read(table[-1])
    rows = [{**row, 'low': '', 'high': ''} for row in rows]
    others = [
        {**row, 'weights': known, 'value': 0.1234} for row in rows for known in ('0' * 12, '')
    ]
    results.record(table[-1], others)
    card = publish.main([str(trained), '--out', str(tmp_path / 'a'), *table[2:]]) / 'MODEL_CARD.md'
    assert f'| {float(rows[0]["value"]):.4f} |' in card.read_text()
    assert '0.1234' not in card.read_text()
    assert not capsys.readouterr().err
    none = ['--results', str(tmp_path / 'none.csv')]
    card = publish.main([str(trained), '--out', str(tmp_path / 'b'), *none]) / 'MODEL_CARD.md'
    assert 'Nothing: none.csv has no rows' in card.read_text()
    assert 'none.csv: no row of' in capsys.readouterr().err


def test_what_cannot_be_published_leaves_nothing(published, refused, tmp_path):
    table, trained, out = published
    before = sorted(tmp_path.iterdir())
    refused('tools.publish', trained, '--out', out, words=['narrow_2e: exists'])
    words = ['other_1e: the name says 1 epochs, but', 'has 2; give another name']
    refused('tools.publish', trained, '--out', tmp_path / 'other_1e', words=words)
    refused('tools.publish', tmp_path / 'none', '--out', tmp_path / 'new', words=['none: no such'])
    corrupt = tmp_path / 'weights' / 'corrupt.csv'
    corrupt.write_bytes(Path(table[-1]).read_bytes().replace(b'accuracy,,,,,0', b'accuracy,,,,,x0'))
    arguments = [trained, '--out', tmp_path / 'new', '--results', corrupt]
    refused('tools.publish', *arguments, words=['corrupt.csv: line 2', 'value is', 'not a number'])
    assert sorted(tmp_path.iterdir()) == before


def test_the_shipped_network_is_whole():
    folder = folders.located(Path(SHIPPED))
    check_sums(folder)
    checkpoint = open_checkpoint(folder)
    settings = checkpoint.settings
    assert (settings.net, settings.classes, settings.images) == ('n1', 22, 22 * 650)
    assert (settings.batch_norm_momentum, settings.precision) == (0.98, 'float32')
    assert checkpoint.step == settings.last_step
    card = (folder / 'MODEL_CARD.md').read_text(encoding='utf-8')
    rows = results.read(ROOT / 'docs' / 'results' / 'protocol_l.csv')
    own = [row for row in rows if row['run'] == 'checkpoints_n1_10e']
    assert own
    assert all(f'{float(row["value"]):.4f}' in card for row in own)


def test_the_shipped_network_has_its_accuracy(real_drawings, tmp_path):
    lines = (ROOT / 'docs' / 'results' / 'protocol_l_drawings.csv').read_text().splitlines()
    # Of the training drawings only one of each category: they are not measured.
    of_category = {line.rpartition(',')[0]: line for line in lines}
    kept = [of_category.pop('split,category'), *of_category.values()]
    kept += [line for line in lines if line.startswith('test,') and line not in kept]
    (tmp_path / 'drawings.csv').write_text('\n'.join(kept) + '\n')
    create_dataset.construct_from_scratch(
        files=real_drawings / 'large', drawings=tmp_path / 'drawings.csv', out=tmp_path / 'data'
    )
    table = ['--data', str(tmp_path / 'data'), '--results', str(tmp_path / 'r.csv')]
    (row,) = load.main([*table, '--measure', 'test', SHIPPED])
    assert row['images'] == 1100
    # Rounding differs between processors and versions of TensorFlow.
    assert row['value'] == pytest.approx(0.8427, abs=0.003)
