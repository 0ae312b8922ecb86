"""Data sets from any form of the drawings, under any name, of chosen or listed drawings."""

import csv
import shutil
import unicodedata

import numpy as np
import pytest
from ndjson_files import converted, line_of, with_times, without_times

import create_dataset
from sketch.data import quickdraw, staging
from sketch.data.drawing_files import find_files, open_drawings
from sketch.data.drawings_list import read, read_key_ids
from sketch.data.simplify import simplify
from sketch.errors import InputError

NAMES = ['star', 'sun', 'tent']


@pytest.fixture
def build(sample_files):
    """Return a function that builds from the .bin files unless told otherwise."""

    def run(out, files=sample_files / 'files', **options):
        names = sample_files / 'categories.txt'
        if 'drawings' in options:
            names = 'no such file'
        else:
            options = {'categories_only': NAMES, **options}
        options = {'train': 8, 'test': 4, 'size': 96, 'workers': 2, **options}
        return create_dataset.construct_from_scratch(files, names, out, **options)

    return run


@pytest.fixture(scope='module')
def simplified(sample_files, tmp_path_factory):
    folder = tmp_path_factory.mktemp('simplified') / 'files'
    return converted(sample_files / 'files', folder, without_times)


@pytest.fixture(scope='module')
def raw(sample_files, tmp_path_factory):
    return converted(sample_files / 'files', tmp_path_factory.mktemp('raw') / 'files', with_times)


def images(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob('*.png')}


def test_simplified_files_and_a_list_give_the_same_data_set(build, simplified, tmp_path):
    first = build(tmp_path / 'bin', seed=5)
    assert len(images(tmp_path / 'bin')) == 37
    table = shutil.copy(tmp_path / 'bin' / 'drawings.csv', tmp_path / 'published.csv')
    with open(table, newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['split'] for row in rows].count('train') == 24
    assert [row['split'] for row in rows].count('test') == 12
    labels = (tmp_path / 'bin' / 'conversion_labels.json').read_text()
    for number, options in enumerate(({'seed': 5}, {'drawings': table})):
        out = tmp_path / str(number)
        other = build(out, simplified, **options)
        assert other['content'] == first['content']
        assert images(out) == images(tmp_path / 'bin')
        assert (out / 'conversion_labels.json').read_text() == labels
        assert other['settings']['train'] == 8


def test_raw_files_give_the_same_drawings(build, sample_files, raw, tmp_path):
    build(tmp_path / 'bin')
    build(tmp_path / 'out', raw)
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
        unicodedata.normalize('NFD', 'café au lait.ndjson'),
        'caf%C3%A9%20au%20lait.bin',
        'full_simplified_caf%C3%A9 au lait.ndjson',
        'full_raw_café au lait.ndjson',
    ],
)
def test_names_as_people_have_them(tmp_path, name):
    (tmp_path / name).write_bytes(b'')
    (tmp_path / 'lait.bin').write_bytes(b'')
    assert find_files(tmp_path, ['café au lait', 'tea']) == {'café au lait': [tmp_path / name]}


def test_two_files_of_one_name(tmp_path):
    for name in ('full_binary_a b.bin', 'a%20b.bin'):
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(InputError, match=r"a%20b.bin and .*a b.bin: both are of 'a b'"):
        find_files(tmp_path, ['a b'])
    (tmp_path / 'a b.bin').write_bytes(b'')
    assert find_files(tmp_path, ['a b'])['a b'][0] == tmp_path / 'a b.bin'


def test_of_several_forms_one_counts(build, sample_files, simplified, raw, tmp_path, capsys):
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
        build(tmp_path / f'{number}', files, categories_only=['sun'])
        others = ', '.join(list(forms)[number + 1 :])
        aside = [f'{files / name}: taken for sun; left aside: {others}']
        printed = [line for line in capsys.readouterr().out.splitlines() if 'aside' in line]
        assert printed == (aside if others else [])
        (files / name).unlink()


def test_recognized_only(build, tmp_path):
    files = tmp_path / 'files'
    files.mkdir()
    lines = [line_of('sun', number, [[[0, 9], [0, 9]]], number % 2 == 0) for number in range(30)]
    (files / 'sun.ndjson').write_bytes(b''.join(lines))
    options = {'categories_only': ['sun'], 'recognized_only': True}
    build(tmp_path / 'out', files, **options)
    taken = [int(path.stem) % 2 for path in (tmp_path / 'out').rglob('sun/*.png')]
    assert taken == [0] * 12
    with pytest.raises(InputError, match='15 recognized drawings, fewer than 12 for training'):
        build(tmp_path / 'more', files, train=12, **options)


def test_exclude(build, tmp_path):
    first = build(tmp_path / 'one')
    table = tmp_path / 'one' / 'drawings.csv'
    second = build(tmp_path / 'two', exclude=table)
    both = [{path.name for path in images(tmp_path / out)} for out in ('one', 'two')]
    assert both[0] & both[1] == {'dataset.png'}
    plain = tmp_path / 'key_ids.txt'
    plain.write_text('\n'.join(map(str, read_key_ids(table))) + '\n\n')
    third = build(tmp_path / 'three', exclude=plain)
    assert third['content'] == second['content'] != first['content']
    with pytest.raises(InputError, match='18 drawings that are not excluded, fewer than 18'):
        build(tmp_path / 'four', exclude=plain, train=18)
    for options in ({'exclude': table}, {}):
        with pytest.raises(InputError, match='other drawings to exclude'):
            build(tmp_path / 'three', **options)
    plain.write_text('12\nx\n')
    with pytest.raises(InputError, match="line 2: 'x' is not a key_id"):
        build(tmp_path / 'five', exclude=plain)


def test_a_list_may_lie_where_its_data_set_goes(build, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    out.mkdir()
    first = build(tmp_path / 'one')
    table = shutil.copy(tmp_path / 'one' / 'drawings.csv', out / 'drawings.csv')
    with pytest.raises(InputError, match='no dataset.json beside it'):
        build(out)
    published, publish = table.read_bytes(), staging.publish

    def edit_and_publish(folder):
        table.write_text('mine')
        publish(folder)

    with monkeypatch.context() as patch:
        patch.setattr(staging, 'publish', edit_and_publish)
        with pytest.raises(InputError, match='drawings.csv: appeared during the build'):
            build(out, drawings=table)
    assert table.read_text() == 'mine'
    table.write_bytes(published)
    monkeypatch.chdir(out)
    second = build('.', drawings='drawings.csv')
    assert second['content'] == first['content']
    assert table.read_bytes() == published
    assert build(out, drawings=table) == second
    assert build(out, drawings=table, force=True) == second
    assert not (out / '.dataset-building').exists()


def test_a_list_that_does_not_fit(build, tmp_path):
    build(tmp_path / 'one')
    table = tmp_path / 'one' / 'drawings.csv'
    lines = table.read_text().splitlines()
    with pytest.raises(InputError, match='another list of drawings; give another folder'):
        build(tmp_path / 'one', drawings=table)
    (tmp_path / 'own').mkdir()
    other_order = tmp_path / 'own' / 'drawings.csv'
    other_order.write_text('\n'.join([lines[0], *lines[:0:-1]]) + '\n')
    with pytest.raises(InputError, match='would replace it by one in another order'):
        build(tmp_path / 'own', drawings=other_order)
    with pytest.raises(InputError, match='leave out classes, recognized_only'):
        build(tmp_path / 'two', drawings=table, classes=3, recognized_only=True)
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
        build(tmp_path / 'three', drawings=mine)
    assert not any((tmp_path / 'three').iterdir())


def test_from_the_command_line(run_script, refused, sample_files, simplified, tmp_path):
    names = sample_files / 'categories.txt'
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
