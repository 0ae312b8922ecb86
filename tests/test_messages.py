"""What scripts say to a user who is nearly right, in one line."""

import pytest
from conftest import NARROW_NAME as NAME

import create_dataset
import mAP
import train
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
        ('train.py', ['--nonsense'], ['--nonsense', '--help']),
        ('mAP.py', ['--k', 'al'], ['--k al: neither a number', '`all`', 'checkpoint folder']),
        ('plots.py', ['one', 'two'], ['unrecognized arguments: one two']),
    ],
)
def test_a_wrong_command_line_is_one_line(refused, script, arguments, words):
    told = refused(script, *arguments, words=words)
    assert len(told.err.splitlines()) == 1
    assert told.out == ''


def test_a_process_of_its_own_says_the_same(run_script):
    ended = run_script('train.py', '--epochs', 'ten')
    assert (ended.returncode, ended.stdout) == (2, '')
    line = 'train.py: error: argument --epochs: ten is not a number of epochs; see --help\n'
    assert ended.stderr == line


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


@pytest.mark.parametrize('name', ['sknet', 'skNet', 'N1', 'n1'])
def test_a_network_by_its_name(name):
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


def test_all_categories_of_a_short_file(sample_files, tmp_path):
    assert build(sample_files, tmp_path)['settings']['classes'] == 12


def test_the_number_of_classes_blames_what_was_given(sample_files, tmp_path):
    with pytest.raises(InputError, match='categories_only: 1 categories, fewer than the 2 '):
        build(sample_files, tmp_path, categories_only=['sun'], classes=2)


def test_other_names_are_not_shown_as_hashes(sample_files, tmp_path):
    build(sample_files, tmp_path, classes=2)
    (tmp_path / 'names').write_text('sun\nhouse\n')
    with pytest.raises(InputError) as raised:
        build(sample_files, tmp_path, classes=2, categories=tmp_path / 'names')
    assert 'names 12 not 2, other names to choose from;' in str(raised.value)


def test_the_projects_own_categories_from_any_folder(run_script, tmp_path):
    ended = run_script('create_dataset.py', '--files', '.', cwd=tmp_path)
    assert 'missing (100 of 100 chosen are)' in ended.stderr
    (tmp_path / 'categories.txt').write_text('sun\n')
    ended = run_script('create_dataset.py', '--files', '.', cwd=tmp_path)
    assert 'sun.bin: missing (1 of 1 chosen are)' in ended.stderr


def test_a_size_that_one_network_cannot_take(sample_files, tmp_path, capsys):
    build(sample_files, tmp_path, classes=1, size=64)
    assert 'skNet takes larger images only, from 91x91 on' in capsys.readouterr().out


def test_a_k_that_is_too_large(refused, trained, small_dataset, tmp_path):
    trained(tmp_path, 0)
    words = ['--k 4999: with 12 test images k is 1 to 11, or `all`']
    common = ['--data', small_dataset.folder, '--checkpoints', tmp_path]
    refused('mAP.py', *common, '--k', '5', '4999', words=words)


def test_several_checkpoints_end_with_a_table(trained, small_dataset, tmp_path, capsys):
    trained(tmp_path, 0, 1)
    common = ['--data', str(small_dataset.folder), '--checkpoints', str(tmp_path)]
    table = ['--results', str(tmp_path / 'results.csv')]
    rows = mAP.main([*common, *table, '--k', '3', 'all', '--rerank'])
    printed = capsys.readouterr().out.split('\n\n')[-1].splitlines()
    assert printed[0].split() == ['standard', 'definition', 'mAP@3', 'mAP@11']
    assert len(printed) == 1 + 2 * 3
    (row,) = [line for line in printed if line.startswith(f'{NAME}_1e, euclidean, {BY_CLASS} ')]
    values = [
        found['value']
        for found in rows
        if found['run'] == f'{NAME}_1e'
        and found['variant'] == BY_CLASS
        and found['definition'] == 'standard'
    ]
    assert row.split()[-2:] == [f'{value:.4f}' for value in values]


@pytest.mark.parametrize(
    ('seconds', 'words'),
    [(0.4, '0 s'), (89, '89 s'), (90, '2 min'), (3599, '1 h 0 min'), (11_100, '3 h 5 min')],
)
def test_times_as_words(seconds, words):
    assert duration(seconds) == words
