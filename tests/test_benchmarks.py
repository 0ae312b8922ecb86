"""What `python -m benchmarks` prints, records and fills into documents; not the speeds."""

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import creation, machine, measuring, retrieval
from benchmarks.step_speed import Step
from sketch.data import quickdraw
from sketch.errors import InputError
from sketch.reporting import speeds
from sketch.reporting.speeds import Row
from tools.fill_tables import __main__ as fill_tables

XEON = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8581C CPU @ 2.10GHz
flags\t\t: fpu sse4_2 avx avx2 avx512f avx512_bf16 amx_bf16 amx_tile
"""
ABOUT = {
    'date': '2026-11-26T08:00:00Z',
    'processor': 'Intel(R) Xeon(R) Processor',
    'cores': '2',
    'instruction_sets': 'AVX2 AVX-512',
    'python': '3.13.0',
    'tensorflow': '2.21.0',
    'numpy': '2.5.5',
    'torch': '2.13.0+cpu',
    'blas': 'openblas SkylakeX',
    'set': 'quick',
}
LATER = {**ABOUT, 'date': '2026-11-27T08:00:00Z'}
FULL = {**ABOUT, 'set': 'full'}
STEP = Row('a step', 'images/s', 60.0, 24.0, 120.0, 'PyTorch', 'matrix product')
SORTED = Row('mAP', 's', 0.5, None, 0.25, '', 'product and sort')


def test_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, 'CPUINFO', tmp_path / 'cpuinfo')
    assert machine.about_run('quick')['instruction_sets'] == ''
    assert machine.about_run('quick')['processor']
    machine.check_blas({**machine.about_run('quick'), 'blas': 'openblas Prescott'})
    (tmp_path / 'cpuinfo').write_text(XEON)
    about = machine.about_run('quick')
    assert about['processor'] == 'Intel(R) Xeon(R) Platinum 8581C CPU @ 2.10GHz'
    assert about['instruction_sets'] == 'AVX2 AVX-512 AVX512_BF16 AMX'
    assert int(about['cores']) >= 1
    assert tuple(about) == speeds.RUN
    assert speeds.kind({**about, 'cores': '2'}) == 'Intel Xeon Platinum 8581C, AMX, 2 cores'
    amd = {'processor': 'AMD EPYC 7R13 48-Core Processor', 'instruction_sets': '', 'cores': '1'}
    assert speeds.kind(amd) == 'AMD EPYC 7R13, 1 core'
    assert about['numpy']
    assert about['tensorflow']
    machine.check_blas({**about, 'blas': 'openblas Haswell'})
    with pytest.raises(InputError, match='OPENBLAS_CORETYPE=SkylakeX'):
        machine.check_blas({**about, 'blas': 'openblas Prescott'})


@pytest.mark.parametrize(
    ('row', 'printed'),
    [
        (
            STEP,
            'a step: 60.0 images/s; 2.50 times as good as PyTorch, 24.0; 50 % of matrix product, '
            '120',
        ),
        (SORTED, 'mAP: 0.500 s; 50 % of product and sort, 0.250'),  # less is better
        (Row('memory', 'MB', 10870.4), 'memory: 10,870 MB'),
    ],
)
def test_the_printed_lines(row, printed):
    assert str(row) == printed


def test_a_recorded_run(tmp_path):
    path = tmp_path / 'performance.csv'
    first = speeds.Run(ABOUT, {'a step': STEP, 'mAP': SORTED})
    speeds.append(path, first)
    header, line, _ = path.read_text().splitlines()
    assert header.split(',') == [*ABOUT, *Row._fields]
    assert line == ','.join(ABOUT.values()) + ',a step,images/s,60,24,120,PyTorch,matrix product'
    before = path.read_bytes()
    speeds.append(path, speeds.Run(LATER, {'a step': STEP._replace(ours=1 / 3)}))
    assert path.read_bytes().startswith(before)
    later = speeds.Run(LATER, {'a step': STEP._replace(ours=0.33333)})
    assert speeds.read(path) == [first, later]
    path.write_text(f'{header}\n{line}\n{line}\n')
    with pytest.raises(InputError, match='a step is there twice'):
        speeds.read(path)


def test_the_documents_show_one_run():
    full = speeds.Run(FULL, {'a step': STEP, 'mAP': SORTED})
    later = speeds.Run(LATER, {'a step': STEP._replace(ours=90.0, peer=None, limit=None)})
    last = speeds.Run({**LATER, 'set': 'full'}, {'mAP': SORTED})
    step = '| a step | images/s | PyTorch | matrix product | '
    sort = '| mAP | s |  | product and sort | 0.500 (50 %) |'
    for runs, lines in (
        ([full, later], [f'{step}60.0 (2.50 times, 50 %) |', sort]),  # the later one is quick
        ([last, full], [sort]),
        ([later], [f'{step}90.0 |']),  # no ratio compares two runs
    ):
        assert speeds.of_documents(runs)['performance'].splitlines()[2:] == lines


def test_documents_keep_their_text_until_something_is_measured(tmp_path):
    path = tmp_path / 'performance.csv'
    found = speeds.of_documents(speeds.read(path))
    text = '<!-- table: speed -->\n| measured by hand |\n'
    assert fill_tables.filled(text, found) == text
    what = 'skNet, training, float32, batch 64'
    speeds.append(path, speeds.Run(ABOUT, {what: STEP._replace(what=what)}))
    found = speeds.of_documents(speeds.read(path))
    assert fill_tables.filled(text, found) == (
        '<!-- table: speed -->\n'
        '| speed, Intel Xeon, AVX-512, 2 cores ([more](docs/performance.md)) | here | elsewhere |\n'
        '| --- | --- | --- |\n'
        '| skNet, training, batch 64 | 60.0 images/s | 24.0 images/s (PyTorch 2.13.0) |\n'
    )
    assert '| 2026-11-26 | 3.13.0 |' in found['machines']


def test_the_summary_names_measured_rows(monkeypatch):
    monkeypatch.setattr(retrieval, 'has_peer', lambda *_: False)
    measured = {next(retrieval.measure(60)).what.replace(' 60 ', ' 5,000 ')}
    for net in ('n1', 'n2'):
        measured |= {Step(net, batch_size=64, evaluate=way).title() for way in (False, True)}
    assert set(speeds.SUMMARY) <= measured


def test_a_missing_peer_is_told_once(capsys):
    for _ in range(2):
        assert not measuring.has_peer('no_such_module')
    assert capsys.readouterr().err.count('\n') == 1
    assert measuring.has_peer('numpy')


def benchmark():
    yield STEP


def broken():
    yield SORTED
    raise OSError('out of order')


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    """The path of the table, on a machine whose kernels are right."""
    monkeypatch.setattr(machine, '_blas', lambda: 'openblas SkylakeX')
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    monkeypatch.setattr(speeds, 'FILE', tmp_path / 'performance.csv')
    return speeds.FILE


def test_the_command_records_unless_some_are_named(monkeypatch, capsys, recorded):
    monkeypatch.setattr(command, 'FULL', {'one': benchmark, 'two': broken})
    monkeypatch.setattr(command, 'QUICK', {'one': benchmark})
    assert command.main(['--only', 'one']) == [STEP]
    assert not recorded.exists()
    assert command.main([]) == [STEP]
    assert capsys.readouterr().out.count('2.50 times') == 2
    (run,) = speeds.read(recorded)
    assert (run.about['set'], run.rows) == ('quick', {'a step': STEP})
    with pytest.raises(InputError, match="--only: invalid choice: 'three'"):
        command.main(['--only', 'three'])


@pytest.mark.parametrize('content', ['a,b\n1,2\n', ','.join(speeds.COLUMNS) + '\nx\n', '\0'])
def test_another_table_is_refused_before_measuring(monkeypatch, recorded, content):
    monkeypatch.setattr(command, 'QUICK', {'one': broken})
    recorded.write_text(content)
    with pytest.raises(InputError, match='not a table of speeds'):
        command.main([])


def test_a_failed_benchmark_leaves_no_record(monkeypatch, capsys, recorded):
    monkeypatch.setattr(command, 'FULL', {'one': broken, 'two': benchmark})
    with pytest.raises(SystemExit, match='1'):
        command.main(['--full'])
    told = capsys.readouterr()
    assert 'out of order' in told.err
    assert '2.50 times' in told.out  # the other one ran
    assert not recorded.exists()


def test_a_folder_without_drawings_is_refused(tmp_path):
    with pytest.raises(InputError, match=f'{tmp_path}: no .*bin.*--files'):
        command.main(['--files', str(tmp_path)])


@pytest.mark.parametrize('own', [False, True])
def test_the_file_of_drawings_has_new_key_ids(tmp_path, sample_files, own):
    creation.write_file(tmp_path / 'x.bin', sample_files / 'files' if own else None, 500)
    with quickdraw.DrawingFile(tmp_path / 'x.bin') as file:
        assert len(np.unique(file.key_ids)) == 500
        assert all(len(file[index].strokes) for index in (0, 499))
