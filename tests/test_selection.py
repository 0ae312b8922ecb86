"""Data sets from any form of the drawings, under any name, of chosen or listed drawings."""

import csv
import gzip
import re
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


def test_exclude(build, tmp_path, capsys):
    first = build(tmp_path / 'one')
    table = tmp_path / 'one' / 'drawings.csv'
    second = build(tmp_path / 'two', exclude=table)
    assert f'{table}: 36 of its 36 key_ids are among the drawings' in capsys.readouterr().out
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
    rounded = tmp_path / 'rounded.txt'
    rounded.write_text('4821000000000000\n4821000000000000\n')
    with pytest.raises(InputError, match='rounded.txt: none of its 1 key_ids is among'):
        build(tmp_path / 'four', exclude=rounded)
    assert not list((tmp_path / 'four').glob('*'))
    rounded.write_text('')
    assert build(tmp_path / 'four', exclude=rounded)['content'] == first['content']
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
        build(tmp_path / 'two', drawings=table, classes=2, recognized_only=True)
    mine = tmp_path / 'mine.csv'

    def refuses(changed, reason):
        mine.write_text('\n'.join(changed) + '\n')
        with pytest.raises(InputError, match=reason):
            read(mine)

    twice = [f'{lines[0]},split', *(f'{line},train' for line in lines[1:])]
    refuses(twice, 'line 1: the column split is there twice')
    refuses([line.replace(',', ';') for line in lines], "line 1: ';' separates its cells; save")
    refuses(['split,category'], 'lists no drawings')
    refuses(['a,b,c', '1,2,3'], 'line 2: not the columns split,category,key_id')
    refuses([*lines, 'train,sun'], 'line 38: not as many cells')
    refuses([*lines, 'valid,sun,1'], 'line 38: the split is neither')
    refuses([*lines, 'train,../x,1'], 'cannot be the name of a folder')
    for key_id in ('1e5', '1.5', '9007199254740992.0'):  # from 2**53 on, numbers are rounded
        refuses([*lines, f'train,sun,{key_id}'], f"'{key_id}' is not a key_id")
    refuses([*lines, lines[1]], 'is there twice')
    refuses([*lines, 'train,sun,1'], '9 train drawings of sun, 8 of .*|8 train .* 9 of sun')
    refuses(lines[:1] + [line for line in lines if 'test' not in line][1:], '0 test drawings')
    changed = [lines[0], lines[1].rpartition(',')[0] + ',12345', *lines[2:]]
    mine.write_text('\n'.join(changed) + '\n')
    # The list may be cut in its last number: no file of drawings is to blame.
    told = r'mine.csv: 1 of its drawings are not in .*bin, the first is 12345; the list is cut'
    with pytest.raises(InputError, match=told):
        build(tmp_path / 'three', drawings=mine)
    assert not (tmp_path / 'three').exists()


def test_a_list_as_pandas_saves_it(build, tmp_path):
    build(tmp_path)
    lines = (tmp_path / 'drawings.csv').read_text().splitlines()
    for index in ('', 'Unnamed: 0'):
        numbered = [f'{row},{line}.0' for row, line in enumerate(lines[1:])]
        (tmp_path / 'saved.csv').write_text('\n'.join([f'{index},{lines[0]}', *numbered]))
        assert read(tmp_path / 'saved.csv') == read(tmp_path / 'drawings.csv')
    (tmp_path / 'saved.csv').write_text(f'{lines[0]},split\n')
    with pytest.raises(InputError, match='the column split is there twice'):
        read_key_ids(tmp_path / 'saved.csv')


def test_what_a_list_decides(build, sample_files, tmp_path):
    build(tmp_path / 'one', train=3, test=2)
    table = tmp_path / 'one' / 'drawings.csv'
    only = {'files': sample_files / 'files', 'workers': 2, 'drawings': table}
    for name, value in {'train': 4, 'test': 1, 'seed': 1, 'classes': 2}.items():
        with pytest.raises(InputError, match=f'leave out {name}; the list decides'):
            create_dataset.construct_from_scratch(out=tmp_path / 'two', **only, **{name: value})
    # A list in its data set's folder has that set's size.
    second = create_dataset.construct_from_scratch(out=tmp_path / 'two', train=3, **only)
    assert second['settings']['size'] == 96
    apart = {**only, 'drawings': shutil.copy(table, tmp_path)}
    third = create_dataset.construct_from_scratch(out=tmp_path / 'three', **apart)
    assert third['settings']['size'] == 128


def test_compressed_files_and_numbers_for_key_ids(build, simplified, tmp_path):
    first = build(tmp_path / 'bin')
    files = tmp_path / 'files'
    files.mkdir()
    for name in NAMES:
        content = (simplified / f'{name}.ndjson').read_bytes()
        content = re.sub(rb'"key_id":"(\d+)"', rb'"key_id":\1', content)
        (files / f'full_simplified_{name}.ndjson.gz').write_bytes(gzip.compress(content))
    assert build(tmp_path / 'gz', files)['content'] == first['content']
    path = files / 'full_simplified_sun.ndjson.gz'
    for broken in (path.read_bytes()[:-20], b'{"key_id": 7}', path.read_bytes()[:30] + b'x' * 99):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r'sun.ndjson.gz: cut, or not compressed by gzip'):
            build(tmp_path / 'broken', files)
    # A packed copy beside a file changes nothing.
    shutil.copy(simplified / 'sun.ndjson', files)
    assert find_files(files, ['sun'])['sun'] == [files / 'sun.ndjson', path]


def test_what_is_there_is_offered(build, sample_files, tmp_path):
    files = tmp_path / 'files'
    files.mkdir()
    with pytest.raises(InputError, match='or remove its name from the categories file'):
        build(tmp_path / 'out', files)
    for name in ('cat.bin', 'star.bin'):
        (files / name).write_bytes(b'')
    shutil.copy(sample_files / 'files' / 'star.bin', files / 'sun.bin')
    with pytest.raises(InputError, match=r'choose from those that are there .*: star sun$'):
        build(tmp_path / 'out', files, classes=3)
    for name, what in {
        'full_numpy_bitmap_tent.npy': 'small bitmaps, without strokes',
        'sketchrnn_tent.full.npz': "Sketch-RNN's strokes, without key_ids",
        'tent.csv': "Kaggle's table",
        'tent.bin.part': 'an unfinished download',
    }.items():
        (files / name).write_bytes(b'')
        with pytest.raises(InputError, match=rf'tent.bin: missing .* \({name} is .*{what}\); down'):
            build(tmp_path / 'out', files)
        (files / name).unlink()


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
