"""What scripts say to a user who is nearly right, in one line."""

import os
import shutil

import pytest
from conftest import NARROW, options
from conftest import NARROW_NAME as NAME

import create_dataset
import load
import mAP
import search
import train
from sketch.data.dataset import read_manifest
from sketch.errors import InputError
from sketch.evaluation.retrieval import BY_CLASS
from sketch.training.hooks import duration


@pytest.mark.parametrize(
    ('script', 'arguments', 'words'),
    [
        ('train.py', ['--epochs', 'ten'], ['--epochs: ten is not a number of epochs']),
        ('train.py', ['--batch-size', '0'], ['--batch-size: 0 is not a whole number of at least']),
        ('train.py', ['--batch-norm-momentum', '1'], ['1 is not a number from 0 up to below 1']),
        ('train.py', ['--seed', '-1'], ['--seed: -1 is not a whole number from 0 to 4294967295']),
        ('train.py', ['--net', 'n3'], ['--net', "'n3'"]),
        ('mAP.py', ['--k', 'al'], ['--k al: neither a number', '`all`', 'checkpoint folder']),
        ('plots.py', ['one', 'two'], ['unrecognized arguments: one two']),
    ],
)
def test_a_wrong_command_line_is_one_line(refused, script, arguments, words):
    told = refused(script, *arguments, words=words)
    assert len(told.err.splitlines()) == 1
    assert told.out == ''


@pytest.mark.parametrize(
    ('script', 'flag'),
    [
        ('create_dataset.py', '--out'),
        ('train.py', '--checkpoints'),
        ('mAP.py', '--report'),
        ('plots.py', '--out'),
        ('tools.draw_networks', '--out'),
        ('tools.synthetic', '--out'),
    ],
)
def test_a_folder_that_cannot_be_made_is_refused_at_once(refused, tmp_path, script, flag):
    (tmp_path / 'file').touch()
    for place in (tmp_path / 'file', tmp_path / 'file' / 'folder'):
        words = [f'{flag}: {place} is not a folder that can be written to']
        refused(script, flag, place, words=words)


def test_a_process_of_its_own_says_the_same(run_script):
    ended = run_script('train.py', '--epochs', 'ten')
    assert (ended.returncode, ended.stdout) == (2, '')
    line = 'train.py: error: argument --epochs: ten is not a number of epochs; see --help\n'
    assert ended.stderr == line


def test_a_network_by_its_name():
    for name in ('sknet', 'skNet', 'N1', 'n1'):
        assert train.parse_arguments(['--net', name]).net == ['n1']


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('Cat', r"'Cat' \(did you mean 'cat'\?\)"),
        ('hexagonn', r"\(did you mean 'hexagon'\?\)"),
        ('sun,house', 'separate names by spaces'),
    ],
)
def test_names_that_are_nearly_right(tmp_path, name, hint):
    (tmp_path / 'names').write_text('cat\nsun\nhouse\nhexagon\n')
    with pytest.raises(InputError, match=hint):
        create_dataset.construct_from_scratch(
            tmp_path, tmp_path / 'names', tmp_path / 'out', categories_only=[name]
        )


def build(sample_files, out, **settings):
    files = {'files': sample_files / 'files', 'categories': sample_files / 'categories.txt'}
    sizes = {'train': 3, 'test': 2, 'size': 96, 'workers': 1}
    return create_dataset.construct_from_scratch(**{**files, **sizes, **settings}, out=out)


def test_a_number_of_categories(sample_files, tmp_path):
    out, names = tmp_path / 'out', tmp_path / 'names'
    names.write_text('sun\nhouse\n')
    assert build(sample_files, out)['settings']['classes'] == 12  # all of a short file
    with pytest.raises(InputError, match='categories_only: 1 categories, fewer than the 2 '):
        build(sample_files, tmp_path / 'new', categories_only=['sun'], classes=2)
    with pytest.raises(InputError, match='workers -1: must be at least 1'):
        build(sample_files, tmp_path / 'new', workers=-1)
    assert not (tmp_path / 'new').exists()
    # Other names are not shown as digests.
    with pytest.raises(InputError, match='names 12 not 2, other names to choose from;'):
        build(sample_files, out, categories=names)


def test_the_projects_own_categories_from_any_folder(run_script, tmp_path):
    ended = run_script('create_dataset.py', '--files', '.', cwd=tmp_path)
    assert 'missing (100 of 100 chosen are)' in ended.stderr
    (tmp_path / 'categories.txt').write_text('sun\n')
    ended = run_script('create_dataset.py', '--files', '.', cwd=tmp_path)
    assert 'sun.bin: missing (1 of 1 chosen are)' in ended.stderr


def test_a_size_that_one_network_cannot_take(sample_files, refused, tmp_path, capsys):
    build(sample_files, tmp_path, classes=2, size=64)
    assert 'skNet takes larger images only, from 91x91 on' in capsys.readouterr().out
    refused('train.py', '--data', tmp_path, words=['64x64', 'skNet takes 91x91'])


def test_a_test_set_alone(trained, make_dataset, sample_files, refused, tmp_path, capsys):
    folder = trained(tmp_path, 1)
    dataset = make_dataset(tmp_path / 'tests', train=0)
    flags = options(dataset, tmp_path)
    (row,) = load.main([*flags, '--measure', 'test'])
    assert row['images'] == 12
    assert len(mAP.main([*flags, '--k', '3'])) == 5
    data = ['--data', str(dataset.folder)]
    out = ['--checkpoint', str(folder), '--out', str(tmp_path / 'found.png')]
    assert len(search.main([*data, *out, '--examples', 'random', '--queries', '2'])) == 2
    words = [dataset.folder / 'training', 'made without training images']
    refused('load.py', *flags, words=words)
    refused('train.py', *flags, *NARROW, words=words)
    refused('tools.precise_bn', *data, folder, words=words)
    # It is kept and rebuilt from its list as any other.
    assert make_dataset(tmp_path / 'tests', train=0).digest == dataset.digest
    listed = {'drawings': dataset.folder / 'drawings.csv', 'train': None, 'test': None}
    again = build(sample_files, tmp_path / 'again', **listed)
    assert again['content']['test'] == read_manifest(dataset.folder)['content']['test']
    # An author's training image may have another ending.
    own = dataset.folder / 'training' / dataset.categories[0] / '7.PNG'
    shutil.copy(os.fsdecode(dataset.test.paths[0]), own)
    for query in ('7', '7.PNG'):
        assert len(search.main([*data, *out, query, '--top', '1'])) == 1


def test_several_checkpoints_end_with_a_table(trained, small_dataset, refused, tmp_path, capsys):
    trained(tmp_path, 0, 1)
    words = ['--k 4999: with 12 test images k is 1 to 11, or `all`']
    refused('mAP.py', *options(small_dataset, tmp_path, '--k', '5', '4999'), words=words)
    rows = mAP.main(options(small_dataset, tmp_path, '--k', '3', 'all', '--rerank'))
    printed = capsys.readouterr().out.split('\n\n')[-1].splitlines()
    assert printed[0].split() == ['standard', 'definition', 'mAP@3', 'mAP@11']
    assert len(printed) == 1 + 2 * 3
    (row,) = [line for line in printed if line.startswith(f'{NAME}_1e, euclidean, {BY_CLASS} ')]
    wanted = {'run': f'{NAME}_1e', 'variant': BY_CLASS, 'definition': 'standard'}
    values = [found['value'] for found in rows if wanted.items() <= found.items()]
    assert row.split()[-2:] == [f'{value:.4f}' for value in values]


def test_times_as_words():
    found = [duration(seconds) for seconds in (0.4, 89, 90, 3599, 11_100)]
    assert found == ['1 s', '89 s', '2 min', '1 h 0 min', '3 h 5 min']
