"""The data set: its content, its repeatability, and that no unfinished one looks finished."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from create_dataset import construct_from_scratch
from sketch import locks
from sketch.data import builder, category_names, quickdraw, raster, staging
from sketch.data.selection import Selection
from sketch.errors import InputError
from tools import synthetic

THREE = 'circle\nsun\nstar\n'


@pytest.fixture
def build(sample_files, tmp_path):
    """Return a function that builds into tmp_path/out unless told otherwise."""

    usual = {'files': sample_files / 'files', 'categories': sample_files / 'categories.txt'}
    usual |= {'out': tmp_path / 'out', 'classes': 3, 'train': 6, 'test': 3, 'size': 64}

    def run(**settings):
        return construct_from_scratch(**{**usual, 'workers': 1, **settings})

    return run


def contents(folder):
    """Return {relative path: hash} of every file below a folder, but for the lock's."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob('*')
        if path.is_file() and path.name != '.dataset.lock'
    }


def test_images_are_the_drawings_of_the_file(build, sample_files, tmp_path):
    build()
    labels = json.loads((tmp_path / 'out' / 'conversion_labels.json').read_text())
    assert list(labels.values()) == [0, 1, 2]
    for category in labels:
        with quickdraw.DrawingFile(sample_files / 'files' / f'{category}.bin') as drawings:
            by_id = {str(drawings[i].key_id): drawings[i] for i in range(len(drawings))}
        training = set((tmp_path / 'out' / 'training' / category).iterdir())
        testing = set((tmp_path / 'out' / 'testing' / category).iterdir())
        assert (len(training), len(testing)) == (6, 3)
        assert not {path.name for path in training} & {path.name for path in testing}
        for path in training | testing:
            with Image.open(path) as image:
                assert (image.mode, image.size) == ('L', (64, 64))
                expected = raster.draw(by_id[path.stem].strokes, 64)
                assert np.array_equal(np.asarray(image), np.asarray(expected))


def test_same_bytes_whatever_the_workers_and_whatever_a_killed_build_left(build, tmp_path):
    build(out=tmp_path / 'a')
    half = tmp_path / 'b' / '.dataset-building' / 'new' / 'training' / 'circle' / '1.png'
    half.parent.mkdir(parents=True)
    half.write_text('half')
    build(out=tmp_path / 'b', workers=3)
    assert contents(tmp_path / 'a') == contents(tmp_path / 'b')
    build(out=tmp_path / 'c', seed=1)
    assert contents(tmp_path / 'a') != contents(tmp_path / 'c')


def test_sampling_is_uniform_over_the_file(tmp_path):
    record = [np.array([[0, 0], [9, 9]], np.uint8)]
    (tmp_path / 'dot.bin').write_bytes(b''.join(synthetic.encode(i, record) for i in range(20)))
    seen = {'training': np.zeros(20), 'testing': np.zeros(20)}
    for seed in range(200):
        out = tmp_path / str(seed)
        builder.build_category('dot', tmp_path / 'dot.bin', Selection(6, 4, seed), out, 64)
        for part, counts in seen.items():
            for path in (out / part / 'dot').iterdir():
                counts[int(path.stem)] += 1
    # Binomial(200, 0.3) and (200, 0.2): every drawing within five standard deviations.
    assert np.abs(seen['training'] - 60).max() < 5 * np.sqrt(200 * 0.3 * 0.7)
    assert np.abs(seen['testing'] - 40).max() < 5 * np.sqrt(200 * 0.2 * 0.8)


def test_repeated_key_ids_count_once(build, tmp_path):
    strokes = [np.array([[0, 0], [9, 9]], np.uint8)]
    files = tmp_path / 'files'
    files.mkdir()
    records = [synthetic.encode(i % 10, strokes) for i in range(30)]
    (files / 'x.bin').write_bytes(b''.join(records))
    (tmp_path / 'names').write_text('x\n')
    settings = {'files': files, 'categories': tmp_path / 'names', 'classes': 1}
    manifest = build(train=6, test=4, **settings)
    assert manifest['test_images_equal_to_a_training_image'] == 4  # all are the same drawing
    assert manifest['categories']['x'] == {
        'drawings': 30,
        'repeated_key_ids': 20,
        'bytes': 30 * len(records[0]),
    }
    assert len(list((tmp_path / 'out').glob('t*/*/*.png'))) == 10
    with pytest.raises(InputError, match='10 drawings, fewer than 7 for training and 4'):
        build(train=7, test=4, force=True, **settings)


def test_same_settings_are_kept_others_refused_force_replaces(build, tmp_path):
    build()
    first = contents(tmp_path / 'out')
    (tmp_path / 'out' / 'notes.txt').write_text('mine')
    before = (tmp_path / 'out' / 'training').stat().st_ino
    build()
    assert (tmp_path / 'out' / 'training').stat().st_ino == before  # kept as it is, not rebuilt
    assert len(contents(tmp_path / 'out')) == len(first) + 1
    with pytest.raises(InputError, match='made with test 3 not 4'):
        build(test=4)
    image = next((tmp_path / 'out' / 'testing').rglob('*.png'))
    image.with_name(f'._{image.name}').write_text('what macOS leaves')
    build(test=4, force=True)
    assert len(list((tmp_path / 'out' / 'testing').rglob('*.png'))) == 12
    assert (tmp_path / 'out' / 'notes.txt').read_text() == 'mine'
    assert not (tmp_path / 'out' / '.dataset-building').exists()


def test_a_data_set_that_lacks_something_is_not_kept(build, refused, sample_files, tmp_path):
    build()
    first, out = contents(tmp_path / 'out'), tmp_path / 'out'
    flags = ['--files', sample_files / 'files', '--categories', sample_files / 'categories.txt']
    flags += ['--out', out, '--classes', 3, '--train', 6, '--test', 3, '--size', 64]
    image = next((out / 'training').rglob('*.png'))
    for lost in (out / 'testing', image, out / 'drawings.csv', out / 'conversion_labels.json'):
        lost.rename(tmp_path / 'lost')
        name = lost.parent if lost == image else lost
        told = refused('create_dataset.py', *flags, words=[name, '(--force rebuilds it)'])
        assert 'kept' not in told.out
        build(force=True)
        assert contents(out) == first
        path = tmp_path / 'lost'
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    'name',
    [
        *('training/dog/1.png', '{}/mine.png', '{}/123.png', '{}/123.png/x'),
        *('{}/*.png', 'drawings.csv'),  # edited
    ],
)
def test_force_deletes_nothing_of_the_user(build, tmp_path, name):
    out, category = tmp_path / 'out', next(iter(build()['categories']))
    name = name.format(f'training/{category}')
    own = next(out.glob(name), out / name)
    own.parent.mkdir(exist_ok=True, parents=True)
    own.write_text('mine')
    before = contents(out)
    with pytest.raises(InputError, match='create_dataset.py did not make'):
        build(test=4, force=True)
    assert contents(out) == before


def test_a_folder_that_is_not_ours_is_never_touched(build, tmp_path):
    own = tmp_path / 'out' / 'training' / 'precious.txt'
    own.parent.mkdir(parents=True)
    own.write_text('mine')
    for force in (False, True):
        with pytest.raises(InputError, match='not a finished data set of create_dataset'):
            build(force=force)
    assert own.read_text() == 'mine'
    assert len(contents(tmp_path)) == 1


def test_two_builds_at_once(build, tmp_path):
    (tmp_path / 'out').mkdir()
    with (
        locks.exclusive(tmp_path / 'out', 'dataset'),
        pytest.raises(InputError, match='works on its dataset'),
    ):
        build()


@pytest.mark.parametrize('replaced', [False, True])
@pytest.mark.parametrize('moment', range(11))
def test_a_build_killed_between_two_renames_is_finished_by_the_next(
    build, tmp_path, monkeypatch, moment, replaced
):
    build(out=tmp_path / 'whole')
    if replaced:
        build(seed=5)
    renames = []

    class Killed(BaseException):
        pass

    real = Path.rename

    def rename(source, target):
        if len(renames) == moment:
            raise Killed
        renames.append(target)
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'rename', rename)
        try:
            build(force=replaced)
        except Killed:
            assert not (tmp_path / 'out' / 'dataset.json').exists() or not renames
        else:
            assert len(renames) <= moment
    build(force=replaced and not renames)
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole')


def test_a_failed_build_leaves_nothing(build, sample_files, tmp_path):
    files = tmp_path / 'files'
    files.mkdir()
    for path in (sample_files / 'files').iterdir():
        (files / path.name).write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r'\.bin: record 29, at byte \d+, runs past'):
        build(files=files, workers=2)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('most', 'words'),  # bytes: nothing fits, which is tried first; only dataset.png does not
    [(300, ' is not a folder that can be written to'), (15_000, ': File too large; ')],
)
def test_a_disk_that_takes_no_more(sample_files, tmp_path, most, words):
    arguments = ['--files', sample_files / 'files', '--out', tmp_path / 'out', '--classes', 2]
    arguments += ['--categories', sample_files / 'categories.txt', '--train', 5, '--test', 2]
    ended = subprocess.run(
        [sys.executable, str(ROOT / 'create_dataset.py'), *map(str, arguments)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2, ended.stderr
    assert f'{tmp_path}/out{words}' in ended.stderr.splitlines()[-1]
    assert 'Traceback' not in ended.stderr
    assert not (tmp_path / 'out').exists()


def test_what_a_failed_build_leaves_is_told(build, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, 'Permission denied', 'x')

    for owner, name in ((staging.shutil, 'rmtree'), (Path, 'rename')):
        out = tmp_path / name
        left = out / '.dataset-building'
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, refuse)
            with pytest.raises(InputError, match=f'x: Permission denied; {left} is left, and the'):
                build(out=out)
            assert left.exists()
        build(out=out)
        assert not left.exists()


def die(*_, **__):
    os._exit(9)


def test_a_worker_that_is_killed(build, tmp_path, monkeypatch):
    monkeypatch.setattr(builder, 'build_category', die)
    with pytest.raises(InputError, match='a worker was killed'):
        build()
    assert not (tmp_path / 'out').exists()


def test_names_with_spaces_accents_and_windows_line_ends(build, sample_files, tmp_path):
    files = tmp_path / 'files'
    files.mkdir()
    for name in ('piñata', 'tea pot'):
        (files / f'{name}.bin').write_bytes((sample_files / 'files' / 'star.bin').read_bytes())
    (tmp_path / 'names').write_bytes('\ufeffpiñata\r\n\r\n tea pot \r\n'.encode())
    build(files=files, categories=tmp_path / 'names', classes=2)
    assert {path.name for path in (tmp_path / 'out' / 'training').iterdir()} == {
        'piñata',
        'tea pot',
    }


@pytest.mark.parametrize(
    ('names', 'options', 'words'),
    [
        ('', [], ['no category names']),
        ('circle\n../x\n', [], ['line 2', "'../x'", 'name of a folder']),
        ('circle\nsun\ncircle\n', [], ['line 3', 'on line 1']),
        ('circle\nsun\n', [], ['2 categories, fewer than the 3 to choose']),
        ('circle\nsun\nno such\n', [], ['no such.bin', 'missing']),
        (THREE, ['--files', 'none'], ['none', 'no such folder', 'files of drawings']),
        (THREE, ['--categories', 'none.txt'], ['none.txt', 'no such file']),
        (THREE, ['--size', 257], ['size 257', '63 to 256']),
        *((THREE, [f'--{name}', 0], [name]) for name in ('classes', 'test')),
        (THREE, ['--train', -1], ['train']),
        (THREE, ['--seed', -1], ['seed']),
    ],
)
def test_what_cannot_be_built(refused, sample_files, tmp_path, names, options, words):
    (tmp_path / 'names').write_text(names)
    arguments = ['--files', sample_files / 'files', '--categories', tmp_path / 'names']
    arguments += ['--out', tmp_path / 'out', '--classes', 3, *options]
    refused('create_dataset.py', *arguments, words=words)
    assert not (tmp_path / 'out').exists()


def test_the_categories_of_the_project(real_drawings):
    names = category_names.read_categories(ROOT / 'categories.txt')
    assert len(names) == 345
    assert set(names) == {path.stem for path in (real_drawings / 'wide').glob('*.bin')}
