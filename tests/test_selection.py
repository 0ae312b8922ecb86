"""Data sets from any form of the drawings, under any name, of chosen or listed drawings."""

import csv
import shutil
import unicodedata

import numpy as np
import pytest
from conftest import ROOT
from ndjson_files import converted, line_of, with_times, without_times

import create_dataset
from sketch.data import quickdraw
from sketch.data.drawing_files import find_files, open_drawings
from sketch.data.drawings_list import read, read_key_ids
from sketch.data.simplify import simplify
from sketch.errors import InputError

NAMES = ['star', 'sun', 'tent']


def build(files, out, **options):
    options = {'train': 8, 'test': 4, 'size': 96, 'workers': 2, **options}
    if 'drawings' not in options:
        options['categories_only'] = NAMES
    return create_dataset.construct_from_scratch(
        files, ROOT / 'tests' / 'no' if 'drawings' in options else options.pop('names'), out,
        **options,
    )  # fmt: skip


@pytest.fixture
def names(sample_files):
    return sample_files / 'categories.txt'


@pytest.fixture(scope='module')
def simplified(sample_files, tmp_path_factory):
    folder = tmp_path_factory.mktemp('simplified') / 'files'
    return converted(sample_files / 'files', folder, without_times)


def images(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob('*.png')}


def test_simplified_files_give_the_same_data_set(sample_files, simplified, names, tmp_path):
    first = build(sample_files / 'files', tmp_path / 'bin', names=names)
    second = build(simplified, tmp_path / 'ndjson', names=names)
    assert first['content'] == second['content']
    assert images(tmp_path / 'bin') == images(tmp_path / 'ndjson')
    assert len(images(tmp_path / 'bin')) == 37


def test_raw_files_give_the_same_drawings(sample_files, names, tmp_path):
    raw = converted(sample_files / 'files', tmp_path / 'raw', with_times)
    build(sample_files / 'files', tmp_path / 'bin', names=names)
    build(raw, tmp_path / 'out', names=names)
    assert images(tmp_path / 'bin').keys() == images(tmp_path / 'out').keys()
    with (
        quickdraw.DrawingFile(sample_files / 'files' / 'sun.bin') as drawings,
        open_drawings(raw / 'sun.ndjson') as found,
    ):
        for index in range(5):
            expected = simplify(drawings[index].strokes)
            assert all(map(np.array_equal, found[index].strokes, expected))


@pytest.mark.parametrize(
    'name',
    [
        'café au lait.bin',
        unicodedata.normalize('NFD', 'café au lait.ndjson'),
        'caf%C3%A9%20au%20lait.bin',
        'full_binary_café au lait.bin',
        'full_simplified_caf%C3%A9 au lait.ndjson',
        'full_raw_café au lait.ndjson',
    ],
)
def test_names_as_people_have_them(tmp_path, name):
    (tmp_path / name).write_bytes(b'')
    (tmp_path / 'lait.bin').write_bytes(b'')
    assert find_files(tmp_path, ['café au lait', 'tea']) == {'café au lait': [tmp_path / name]}


def test_of_several_forms_one_counts(sample_files, simplified, names, tmp_path, capsys):
    raw = converted(sample_files / 'files', tmp_path / 'raw', with_times)
    forms = {
        'sun.bin': sample_files / 'files' / 'sun.bin',
        'full_simplified_sun.ndjson': simplified / 'sun.ndjson',
        'sun.ndjson': raw / 'sun.ndjson',
    }
    files = tmp_path / 'files'
    files.mkdir()
    for name, path in forms.items():
        shutil.copy(path, files / name)
    for number, name in enumerate(forms):
        create_dataset.construct_from_scratch(
            files, names, tmp_path / f'{number}', categories_only=['sun'], train=8, test=4, size=96
        )
        others = ', '.join(list(forms)[number + 1 :])
        aside = [f'{files / name}: taken for sun; left aside: {others}']
        printed = [line for line in capsys.readouterr().out.splitlines() if 'aside' in line]
        assert printed == (aside if others else [])
        (files / name).unlink()


def test_two_files_of_one_name(tmp_path):
    for name in ('full_binary_a b.bin', 'a%20b.bin'):
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(InputError, match=r"a%20b.bin and .*a b.bin: both are of 'a b'"):
        find_files(tmp_path, ['a b'])
    (tmp_path / 'a b.bin').write_bytes(b'')
    assert find_files(tmp_path, ['a b'])['a b'][0] == tmp_path / 'a b.bin'


def test_recognized_only(names, sample_files, tmp_path):
    folder, recognized = tmp_path / 'files', {}
    folder.mkdir()
    for name in NAMES:
        with quickdraw.DrawingFile(sample_files / 'files' / f'{name}.bin') as drawings:
            assert drawings.recognized.all()
            lines = [
                line_of(name, key_id, [[[0, 9], [0, number]]], number % 2 == 0)
                for number, key_id in enumerate(drawings.key_ids)
            ]
            recognized[name] = {str(key_id) for key_id in drawings.key_ids[::2]}
        (folder / f'{name}.ndjson').write_bytes(b''.join(lines))
    build(folder, tmp_path / 'out', names=names, recognized_only=True)
    for name, known in recognized.items():
        taken = {path.stem for path in (tmp_path / 'out').rglob(f'{name}/*.png')}
        assert len(taken) == 12
        assert taken <= known
    with pytest.raises(InputError, match='15 recognized drawings, fewer than 12 for training'):
        build(folder, tmp_path / 'more', names=names, recognized_only=True, train=12)


def test_exclude(names, sample_files, tmp_path):
    files = sample_files / 'files'
    first = build(files, tmp_path / 'one', names=names)
    table = tmp_path / 'one' / 'drawings.csv'
    second = build(files, tmp_path / 'two', names=names, exclude=table)
    both = [{path.name for path in images(tmp_path / out)} for out in ('one', 'two')]
    assert both[0] & both[1] == {'dataset.png'}
    plain = tmp_path / 'key_ids.txt'
    plain.write_text('\n'.join(map(str, read_key_ids(table))) + '\n\n')
    assert read_key_ids(plain).tolist() == read_key_ids(table).tolist()
    third = build(files, tmp_path / 'three', names=names, exclude=plain)
    assert third['content'] == second['content'] != first['content']
    with pytest.raises(InputError, match='18 drawings that are not excluded, fewer than 18'):
        build(files, tmp_path / 'four', names=names, exclude=plain, train=18)
    with pytest.raises(InputError, match='other drawings to exclude'):
        build(files, tmp_path / 'three', names=names, exclude=table)
    with pytest.raises(InputError, match='other drawings to exclude'):
        build(files, tmp_path / 'three', names=names)
    plain.write_text('12\nx\n')
    with pytest.raises(InputError, match="line 2: 'x' is not a key_id"):
        build(files, tmp_path / 'five', names=names, exclude=plain)


def test_a_list_makes_the_same_data_set(names, sample_files, simplified, tmp_path):
    first = build(sample_files / 'files', tmp_path / 'one', names=names, seed=5)
    table = shutil.copy(tmp_path / 'one' / 'drawings.csv', tmp_path / 'published.csv')
    with open(table, newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    assert {row['split'] for row in rows} == {'train', 'test'}
    second = build(simplified, tmp_path / 'two', drawings=table)
    assert second['content'] == first['content']
    assert images(tmp_path / 'two') == images(tmp_path / 'one')
    labels = [(tmp_path / out / 'conversion_labels.json').read_text() for out in ('one', 'two')]
    assert labels[0] == labels[1]
    assert second['settings']['train'] == 8


def test_a_list_may_lie_where_its_data_set_goes(names, sample_files, tmp_path, monkeypatch):
    files, out = sample_files / 'files', tmp_path / 'out'
    first = build(files, tmp_path / 'one', names=names)
    out.mkdir()
    table = shutil.copy(tmp_path / 'one' / 'drawings.csv', out / 'drawings.csv')
    with pytest.raises(InputError, match='no dataset.json beside it'):
        build(files, out, names=names)
    monkeypatch.chdir(out)
    second = build(files, '.', drawings='drawings.csv')
    assert second['content'] == first['content']
    assert table.read_bytes() == (tmp_path / 'one' / 'drawings.csv').read_bytes()
    assert build(files, out, drawings=table) == second
    assert build(files, out, drawings=table, force=True) == second
    assert not (out / '.dataset-building').exists()


def test_a_list_that_does_not_fit(names, sample_files, tmp_path):
    files = sample_files / 'files'
    build(files, tmp_path / 'one', names=names)
    table = tmp_path / 'one' / 'drawings.csv'
    lines = table.read_text().splitlines()
    with pytest.raises(InputError, match='another list of drawings; give another folder'):
        build(files, tmp_path / 'one', drawings=table)
    (tmp_path / 'own').mkdir()
    other_order = tmp_path / 'own' / 'drawings.csv'
    other_order.write_text('\n'.join([lines[0], *lines[:0:-1]]) + '\n')
    with pytest.raises(InputError, match='would replace it by one in another order'):
        build(files, tmp_path / 'own', drawings=other_order)
    with pytest.raises(InputError, match='leave out classes, recognized_only'):
        build(files, tmp_path / 'two', drawings=table, classes=3, recognized_only=True)
    mine = tmp_path / 'mine.csv'

    def refuses(changed, reason):
        mine.write_text('\n'.join(changed) + '\n')
        with pytest.raises(InputError, match=reason):
            read(mine)

    refuses(['split,category'], 'lists no drawings')
    refuses(['a,b,c', '1,2,3'], 'line 2: not the columns split,category,key_id')
    refuses([*lines, 'train,sun'], 'line 38: not as many cells')
    refuses([*lines, 'valid,sun,1'], 'line 38: the split is neither')
    refuses([*lines, 'train,../x,1'], 'cannot be the name of a folder')
    refuses([*lines, 'train,sun,1e5'], "'1e5' is not a key_id")
    refuses([*lines, lines[1]], 'is there twice')
    refuses([*lines, 'train,sun,1'], '9 train drawings of sun, 8 of .*|8 train .* 9 of sun')
    refuses(lines[:1] + [line for line in lines if 'test' not in line][1:], '0 test drawings')
    changed = [lines[0], lines[1].rpartition(',')[0] + ',12345', *lines[2:]]
    mine.write_text('\n'.join(changed) + '\n')
    with pytest.raises(InputError, match='lacks 1 of the listed drawings, the first is 12345'):
        build(files, tmp_path / 'three', drawings=mine)
    assert not any((tmp_path / 'three').iterdir())


def test_a_list_of_the_users_own_is_not_deleted(names, sample_files, tmp_path):
    files, out = sample_files / 'files', tmp_path / 'out'
    build(files, out, names=names)
    (out / 'drawings.csv').write_text('mine\n')
    with pytest.raises(InputError, match=r'drawings.csv: create_dataset.py did not make all'):
        build(files, out, names=names, force=True)
    assert (out / 'drawings.csv').read_text() == 'mine\n'


def test_from_the_command_line(run_script, refused, names, simplified, tmp_path):
    flags = ['--files', simplified, '--categories', names, '--size', '96', '--workers', '2']
    flags += ['--categories-only', *NAMES, '--train', '8', '--test', '4', '--out', tmp_path / 'a']
    ended = run_script('create_dataset.py', *flags, '--recognized-only')
    assert ended.returncode == 0, ended.stderr
    list_of_a = tmp_path / 'a' / 'drawings.csv'
    again = ['--files', simplified, '--drawings', list_of_a, '--size', '96']
    ended = run_script('create_dataset.py', *again, '--out', tmp_path / 'b')
    assert ended.returncode == 0, ended.stderr
    assert images(tmp_path / 'a') == images(tmp_path / 'b')
    refused('create_dataset.py', *flags, words=['recognized_only True not None'])
    refused('create_dataset.py', *again, '--exclude', 'no.txt', words=['leave out exclude'])
    absent = ['--files', simplified, '--categories', names, '--out', tmp_path / 'c']
    refused('create_dataset.py', *absent, '--exclude', 'no.txt', words=['no.txt'])
    refused('create_dataset.py', *absent, '--drawings', 'no.csv', words=['no.csv'])
