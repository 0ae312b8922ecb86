"""Downloads: several at a time, resumed, kept, told."""

import signal
import subprocess
import sys

import pytest
from broken_server import CONTENT, PAGE, drawings
from conftest import ROOT

from sketch.data import download


def fetch(server, names, folder):
    return download.fetch(names, folder, server.url, back_off=0.01)


def test_names_with_spaces_several_at_a_time(server, tmp_path):
    names = ['The Eiffel Tower', 'piñata', *map(str, range(10))]
    for seed, name in enumerate(names):
        server.files[f'{name}.bin'] = drawings(10, seed)
    assert fetch(server, names, tmp_path / 'files') == {}
    for seed, name in enumerate(names):
        assert (tmp_path / 'files' / f'{name}.bin').read_bytes() == drawings(10, seed)
    assert server.most_at_once <= download.AT_ONCE
    assert len(list((tmp_path / 'files').iterdir())) == len(names)


def test_files_already_whole_are_not_fetched_again(server, tmp_path):
    server.files['x.bin'] = CONTENT
    assert fetch(server, ['x'], tmp_path) == {}
    assert fetch(server, ['x'], tmp_path) == {}
    assert len(server.log) == 1
    (tmp_path / 'x.bin').write_bytes(bytes(len(CONTENT)))  # the right size, other bytes
    assert fetch(server, ['x'], tmp_path) == {}
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT


def test_what_is_there_stays_until_the_new_file_is_whole(server, tmp_path):
    server.files['x.bin'] = CONTENT
    server.faults['x.bin'] = ['wrong bytes'] * download.ATTEMPTS
    (tmp_path / 'x.bin').write_bytes(b'of another day')
    assert set(fetch(server, ['x'], tmp_path)) == {'x'}
    assert (tmp_path / 'x.bin').read_bytes() == b'of another day'


def test_a_cut_transfer_goes_on_where_it_broke(server, tmp_path):
    server.files['x.bin'] = CONTENT
    server.faults['x.bin'] = ['cut', 'cut']
    assert fetch(server, ['x'], tmp_path) == {}
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT
    begins = [int(asked.split('=')[1][:-1]) if asked else 0 for _, asked, _ in server.log]
    assert begins[0] == 0
    assert 0 < begins[1] < begins[2]


def test_a_later_run_goes_on_from_the_part(server, tmp_path):
    server.files['x.bin'] = CONTENT
    (tmp_path / 'x.bin.part').write_bytes(CONTENT[:300_000])
    assert fetch(server, ['x'], tmp_path) == {}
    assert server.log == [('x.bin', 'bytes=300000-', None)]
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT


@pytest.mark.parametrize(
    'part',
    [b'', CONTENT[:5], bytes(300_000), PAGE, CONTENT, CONTENT + b'x'],
    ids=['empty', 'begun', 'wrong', 'page', 'whole', 'longer'],
)
@pytest.mark.parametrize('fault', [None, 'ignore range', 'wrong bytes', 429, 503, 'cut'])
def test_whatever_was_left_the_file_ends_right(server, tmp_path, part, fault):
    server.files['x.bin'] = CONTENT
    server.faults['x.bin'] = [fault]
    (tmp_path / 'x.bin.part').write_bytes(part)
    assert fetch(server, ['x'], tmp_path) == {}
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT
    assert not (tmp_path / 'x.bin.part').exists()


def test_without_a_hash_header_the_size_decides(server, tmp_path):
    server.files['x.bin'] = CONTENT
    server.hashes = False
    server.faults['x.bin'] = ['cut']
    assert fetch(server, ['x'], tmp_path) == {}
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT


def test_failures_are_told_and_the_others_arrive(server, tmp_path):
    server.files.update({'x.bin': CONTENT, 'y.bin': CONTENT, 'z.bin': CONTENT})
    server.faults['y.bin'] = ['wrong bytes'] * 20
    server.faults['z.bin'] = [403]
    failed = fetch(server, ['gone', 'x', 'y', 'z'], tmp_path)
    assert set(failed) == {'gone', 'y', 'z'}
    assert '404' in failed['gone']
    assert 'md5' in failed['y']
    assert '403' in failed['z']
    assert [name for name, _, _ in server.log].count('z.bin') == 1  # a refusal is final
    assert [path.name for path in tmp_path.iterdir()] == ['x.bin']


def test_the_script_fetches_only_what_it_chose(server, sample_files, run_script, tmp_path):
    for path in (sample_files / 'files').iterdir():
        server.files[path.name] = path.read_bytes()
    arguments = ['--download', '--mirror', server.url, '--files', tmp_path / 'files']
    arguments += ['--categories', sample_files / 'categories.txt', '--out', tmp_path / 'out']
    arguments += ['--train', 5, '--test', 2, '--size', 64]
    ended = run_script('create_dataset.py', *arguments, '--classes', 3)
    assert ended.returncode == 0, ended.stderr
    fetched = {path.stem for path in (tmp_path / 'files').iterdir()}
    assert fetched == {path.name for path in (tmp_path / 'out' / 'training').iterdir()}
    assert len(fetched) == 3

    chosen = ['--categories-only', 'sun', 'star']
    ended = run_script('create_dataset.py', *arguments, *chosen, '--force')
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in (tmp_path / 'out' / 'testing').iterdir()} == {'sun', 'star'}

    del server.files['door.bin']
    ended = run_script('create_dataset.py', *arguments, '--categories-only', 'door', '--force')
    assert ended.returncode == 2
    assert '404' in ended.stderr
    assert '1 of 1 files could not be downloaded' in ended.stderr.splitlines()[-1]
    assert (tmp_path / 'out' / 'dataset.json').exists()  # the old data set is still there


def test_an_interrupted_fetch_stops_and_goes_on_later(server, tmp_path):
    (tmp_path / 'categories.txt').write_text('one\n')
    server.files['one.bin'] = CONTENT
    server.faults['one.bin'] = ['slow']
    script, mirror = str(ROOT / 'create_dataset.py'), server.url
    running = subprocess.Popen(
        [sys.executable, script, '--download', '--mirror', mirror, '--classes', '1'],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores it, and what that starts does, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert server.well_under_way.wait(30)
    running.send_signal(signal.SIGINT)
    assert running.wait(25) == 130  # the whole transfer would take 40 seconds
    assert running.stderr.read().splitlines()[-1] == 'create_dataset.py: interrupted'
    held = (tmp_path / 'files' / 'one.bin.part').stat().st_size
    assert 0 < held < len(CONTENT)
    assert fetch(server, ['one'], tmp_path / 'files') == {}
    assert server.log[-1][1] == f'bytes={held}-'
    assert (tmp_path / 'files' / 'one.bin').read_bytes() == CONTENT
