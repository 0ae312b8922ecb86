"""Downloads: resumed, checked, kept; one line for whatever goes wrong."""

import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from broken_server import CONTENT, GARBAGE, PAGE, RECORD, Answer, chunked, drawings, running, whole
from conftest import ROOT

import create_dataset
from sketch.data import download
from sketch.data.quickdraw import record_offsets
from sketch.errors import InputError

MD5 = 'x-goog-hash: md5=' + 'A' * 22 + '=='  # of other bytes


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(download, 'BACK_OFF', 0.01)


def why_not(server, names, folder):
    """Return the line that a fetch of names ends with."""
    with pytest.raises(InputError) as told:
        download.fetch(names, folder, server.url)
    line = str(told.value)
    assert line.isprintable()
    assert len(line) < 300
    return line


def left_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != '.'}


def test_names_with_spaces_accents_and_redirects(server, tmp_path, capfd):
    names = ['The Eiffel Tower', 'piñata', *map(str, range(10))]
    server.files = {f'{name}.bin': drawings(10, seed) for seed, name in enumerate(names)}
    server.answers['x.bin'] = Answer(('Location: pi\xc3\xb1ata.bin',), b'', '307 Elsewhere')
    download.fetch([*names, 'x'], tmp_path / 'files', server.url)
    assert left_in(tmp_path / 'files') == {**server.files, 'x.bin': server.files['piñata.bin']}
    assert 'downloading: 100%' in capfd.readouterr().err


def test_an_existing_file_is_kept_if_size_and_md5_agree(server, tmp_path, capfd):
    server.files['x.bin'] = CONTENT
    download.fetch(['x'], tmp_path, server.url)
    kept = (tmp_path / 'x.bin').stat().st_ino
    capfd.readouterr()
    download.fetch(['x'], tmp_path, server.url)
    assert capfd.readouterr() == ('', '')
    assert (tmp_path / 'x.bin').stat().st_ino == kept
    for other in (bytes(len(CONTENT)), drawings(3), PAGE, b''):
        server.hashes = other != drawings(3)  # the size alone tells
        (tmp_path / 'x.bin').write_bytes(other)
        download.fetch(['x'], tmp_path, server.url)
        assert left_in(tmp_path) == server.files
    (tmp_path / 'x.bin').write_bytes(b'of another day')
    server.faults['x.bin'] = ['wrong bytes'] * 20
    assert 'wrong md5' in why_not(server, ['x'], tmp_path)
    assert left_in(tmp_path) == {'x.bin': b'of another day'}
    # Without size and md5 it is kept if it parses.
    server.answers['y.bin'] = Answer((), CONTENT)
    for found, left in ((drawings(3), drawings(3)), (CONTENT[:-5], CONTENT)):
        (tmp_path / 'y.bin').write_bytes(found)
        download.fetch(['y'], tmp_path, server.url)
        assert left_in(tmp_path)['y.bin'] == left


def test_a_cut_transfer_is_resumed_where_it_broke(server, tmp_path):
    server.files['x.bin'] = CONTENT
    server.faults['x.bin'] = ['cut', 503, 'cut', 429]
    (tmp_path / 'x.bin.part').write_bytes(CONTENT[:300_000])  # of an earlier run
    download.fetch(['x'], tmp_path, server.url)
    begins = [int(asked[6:-1]) for _, asked in server.log]
    assert begins[0] == 300_000
    assert begins[0] < begins[1] == begins[2] < begins[3] == begins[4]
    assert left_in(tmp_path) == server.files


@pytest.mark.parametrize('fault', [None, 'ignore range', 'wrong bytes', 'cut', 503])
@pytest.mark.parametrize(
    'part',
    [b'', CONTENT[:5], bytes(300_000), CONTENT[5:300_000], PAGE, CONTENT, CONTENT + b'x'],
    ids=['empty', 'begun', 'zeros', 'shifted', 'page', 'whole', 'longer'],
)
def test_whatever_was_left_the_file_ends_right(server, tmp_path, part, fault):
    server.hashes = fault == 'wrong bytes'  # which could be drawings
    server.files['x.bin'] = CONTENT
    server.faults['x.bin'] = [fault]
    (tmp_path / 'x.bin.part').write_bytes(part)
    download.fetch(['x'], tmp_path, server.url)
    assert left_in(tmp_path) == server.files


@pytest.mark.parametrize(
    ('answer', 'words', 'requests'),
    [
        (whole(PAGE), 'web page', 1),
        (whole(PAGE, MD5), 'web page', 1),
        (whole(GARBAGE), 'something else than drawings', 1),
        (whole(CONTENT[:-5]), 'something else than drawings', 1),
        (whole(CONTENT, MD5), 'wrong md5', download.ATTEMPTS),
        (whole(CONTENT, 'Content-Encoding: gzip'), 'compresses', 1),
        (Answer(status='401 \x1b[31m'), 'answers 401 Unauthorized: check', 1),
        (Answer(status='404 No'), 'answers 404 Not Found: check', 1),
        (Answer(status='503 No'), 'answers 503 Service Unavailable; run', download.ATTEMPTS),
        (whole(CONTENT * 3), 'too much', 1),
        (Answer(('Transfer-Encoding: chunked',), chunked(CONTENT * 3)), 'too much', 1),
        (Answer(('Content-Range: bytes 5-9/10',), CONTENT, '206 Part'), 'another range', 6),
        (Answer(('Location: http://[::1/x',), status='302 Found'), 'no valid answer', 1),
        (Answer(('Location: x.bin',), status='302 Found'), 'no valid answer', 31),
    ],
)
def test_a_file_that_cannot_be_had_is_told_and_not_kept(
    server, tmp_path, monkeypatch, answer, words, requests
):
    monkeypatch.setattr(download, 'LARGEST', 2 * len(CONTENT))
    server.answers['x.bin'] = answer
    assert words in why_not(server, ['x'], tmp_path)
    assert left_in(tmp_path) == {}
    assert len(server.log) == requests


def test_the_size_shows_a_cut_between_two_drawings(server, tmp_path):
    server.hashes, server.files['x.bin'] = False, CONTENT
    span = f'Content-Range: bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}'
    server.faults['x.bin'] = [Answer((span,), CONTENT[5:-RECORD], '206 Part')]
    (tmp_path / 'x.bin.part').write_bytes(CONTENT[:5])
    download.fetch(['x'], tmp_path, server.url)
    assert server.log[1] == ('x.bin', f'bytes={len(CONTENT) - RECORD}-')
    assert left_in(tmp_path) == server.files


def test_a_wait_is_as_long_as_the_server_asks_within_reason(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, 'LONGEST_WAIT', 0.3)
    server.files['x.bin'] = CONTENT
    busy = Answer(('Retry-After: 99999', 'Content-Length: 0'), status='429 Busy')
    server.faults['x.bin'] = [busy, busy._replace(headers=('Retry-After: ' + '9' * 5000,))]
    began = time.monotonic()
    download.fetch(['x'], tmp_path, server.url)
    assert 0.3 <= time.monotonic() - began < 5
    assert left_in(tmp_path) == server.files


def test_a_folder_without_a_file_is_not_made(server, tmp_path):
    why_not(server, ['ant'], tmp_path / 'new' / 'files')
    assert not list(tmp_path.iterdir())


def test_files_that_fail_alike_have_one_reason(server, tmp_path, capsys):
    names = ['ant', 'bat', 'cat', 'dog']
    server.files['elk.bin'] = CONTENT
    line = why_not(server, [*names, 'elk'], tmp_path)
    assert '4 of 5 files could not be downloaded: ant.bin, bat.bin and 2 more: 127.0.0.1:' in line
    assert left_in(tmp_path) == server.files
    server.answers['dog.bin'] = Answer((), PAGE)
    line = why_not(server, names, tmp_path)
    assert '4 of 4 files could not be downloaded: for the reasons above; ' in line
    told = capsys.readouterr().err.splitlines()
    assert sum('ant.bin, bat.bin and 1 more: ' in line and '404' in line for line in told) == 1
    assert sum('dog.bin: ' in line and 'web page' in line for line in told) == 1


@pytest.mark.parametrize('server_is', ['unknown', 'off', 'overloaded', 'no https'])
def test_a_silent_server_leaves_what_is_there(server, tmp_path, monkeypatch, capsys, server_is):
    def no_answer(*arguments, **_):
        looked_up.append(arguments)
        raise socket.gaierror(socket.EAI_AGAIN, 'Temporary failure in name resolution')

    looked_up = []
    there, missing = [f'a{number}' for number in range(8)], ['b', 'c']
    for name in there:
        (tmp_path / f'{name}.bin').write_bytes(drawings(2))
    if server_is == 'overloaded':
        server.answers = {f'{name}.bin': Answer(status='503 No') for name in there + missing}
        mirror, words = server.url, 'answers 503'
    elif server_is == 'off':
        with running() as ended:
            mirror, words = ended.url, 'cannot be reached (Connection refused): check the network'
    elif server_is == 'unknown':
        monkeypatch.setattr(socket, 'getaddrinfo', no_answer)
        mirror, words = server.url, 'cannot be reached (Temporary failure in name resolution)'
    else:
        mirror, words = server.url.replace('http', 'https'), 'cannot be reached ('
    download.fetch(there, tmp_path, mirror)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f'{tmp_path}: 8 intact files kept, not compared: 127.0.0.1:')
    assert words in line
    assert len(looked_up) <= 4 * download.AT_ONCE  # then it is not asked for the other files
    (tmp_path / 'a0.bin').write_bytes(drawings(2)[:-1])
    with pytest.raises(InputError, match='3 of 10 files could not be .* a0.bin, b.bin and 1 more'):
        download.fetch(there + missing, tmp_path, mirror)
    assert len(left_in(tmp_path)) == 8


@pytest.mark.parametrize(
    ('mirror', 'words'),
    [
        ('gs://data/full', 'give https://storage.googleapis.com/data/full'),
        ('file:///srv/drawings', 'not an http or https address'),
        ('example.org/drawings', 'give https://example.org/drawings'),
        ('localhost:8000', 'give https://localhost:8000'),
        ('http://[::1/x', 'not an http or https address'),
        ('https://h:99999', 'not an http or https address'),
        ('http://', 'not an http or https address'),
    ],
)
def test_an_invalid_mirror_is_refused_at_once(tmp_path, mirror, words):
    with pytest.raises(InputError) as told:
        download.fetch(['x', 'y'], tmp_path / 'files', mirror)
    assert str(told.value).startswith(f'mirror {mirror}: ')
    assert words in str(told.value)
    assert not (tmp_path / 'files').exists()


def test_the_script_fetches_only_what_it_chose(server, sample_files, tmp_path):
    files = tmp_path / 'files'
    server.files = {path.name: path.read_bytes() for path in (sample_files / 'files').iterdir()}
    arguments = ['--download', '--mirror', server.url, '--files', files, '--out', tmp_path / 'out']
    arguments += ['--categories', sample_files / 'categories.txt', '--workers', 2]
    arguments = [*map(str, [*arguments, '--train', 5, '--test', 2, '--size', 64, '--force'])]
    create_dataset.main([*arguments, '--classes', '3'])
    assert {name[:-4] for name in left_in(files)} == {
        path.name for path in (tmp_path / 'out' / 'training').iterdir()
    }
    assert len(left_in(files)) == 3
    del server.files['door.bin']
    with pytest.raises(InputError, match='1 of 1 files could not be downloaded: .* 404'):
        create_dataset.main([*arguments, '--categories-only', 'door'])
    assert (tmp_path / 'out' / 'dataset.json').exists()  # the old data set is still there


def test_two_builds_with_one_folder_of_files(server, tmp_path):
    (tmp_path / 'categories.txt').write_text('one\n')
    server.files['one.bin'] = CONTENT
    server.faults['one.bin'] = ['slow']
    builds = [start(server, tmp_path, '--out', 'a')]
    assert server.well_under_way.wait(30)
    builds.append(start(server, tmp_path, '--out', 'b'))
    line = builds[1].stderr.readline()
    assert line.startswith(f'files: process {builds[0].pid} on ')
    assert line.endswith(' works on its download; waiting\n')
    server.hurry.set()
    told = [build.communicate(timeout=60)[1] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], told
    assert left_in(tmp_path / 'files') == server.files
    assert [asked for _, asked in server.log] == [None, None]  # the second one reads headers only


def test_an_interrupted_fetch_ends_soon_and_is_resumed(server, tmp_path):
    names = list(map(str, range(40)))
    (tmp_path / 'categories.txt').write_text('\n'.join(names))
    busy = Answer(('Retry-After: 99999',), status='503 Busy')
    server.files = {f'{name}.bin': CONTENT for name in names}
    server.faults.update({f'{name}.bin': ['slow'] for name in names[:20]})  # 10 s each
    server.answers = {f'{name}.bin': busy for name in names[20:]}  # 30 s each
    build = start(server, tmp_path)
    assert server.well_under_way.wait(30)
    build.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert build.communicate()[1].splitlines()[-1] == 'create_dataset.py: interrupted'
    assert build.returncode == 130
    assert time.monotonic() - began < 5
    begun = {name for name, _ in server.log}
    assert len(begun) == download.AT_ONCE  # none of the others was asked for
    assert begun & set(server.answers)
    left = left_in(tmp_path / 'files')
    assert len(left) == len(begun - set(server.answers))
    name = next(iter(left)).removesuffix('.part')
    download.fetch([name[:-4]], tmp_path / 'files', server.url)
    assert server.log[-1] == (name, f'bytes={len(left[f"{name}.part"])}-')
    assert left_in(tmp_path / 'files')[name] == CONTENT


def start(server, folder, *arguments):
    """Start a build of the categories of a folder, with its files downloaded."""
    command = [sys.executable, str(ROOT / 'create_dataset.py'), '--download', *arguments]
    command += ['--mirror', server.url, '--train', '5', '--test', '2', '--size', '64']
    # A shell's background job ignores Ctrl-C, and what that starts does, too.
    attentive = {'preexec_fn': lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, **attentive)


# What a server may answer with that a seed chooses.
SMALL = drawings(20)
BODIES = [*[SMALL] * 4, SMALL[:-RECORD], SMALL[:-9], SMALL * 4, PAGE, GARBAGE, b'', b'\x1f\x8b\x08']
STATUSES = [*['200 OK'] * 30, '206 Part', '204 No', '302 Found', '404 No', '416 No', '503 \x07']
STATUSES += ['999 \xff', '+20 x', '', '200' + ' O' * 40_000]
HEADERS = [
    *(f'Content-Length: {n}' for n in (len(SMALL), 9, 0, -1, '1, 2', '9' * 5000, '1e3', '\xb2')),
    *(f'Content-Range: bytes {x}' for x in ('0-9/20040', '50-9/*', '7' * 5000 + '-1/2', '\xff')),
    *(f'x-goog-hash: md5={x}' for x in ('abc', 'A' * 22 + '==', '\xe9', ',,=,md5', '9' * 60_000)),
    *(f'Location: {x}' for x in ('http://[::1/x', '\xff\xfe', 'gs://b/x', '/x\x00', 'x' * 9000)),
    *(f'Transfer-Encoding: {x}' for x in ('chunked', 'gzip, chunked', 'nonsense')),
    *(f'Content-Encoding: {x}' for x in ('gzip', 'identity', 'br, \xff', 'zstd', '')),
    *(f'Retry-After: {x}' for x in ('-1', '9' * 5000, 'Mon, 01 Jan 99999999999 00:00:00 GMT')),
    *('Set-Cookie: =;;domain=..', 'Set-Cookie: a=b; expires=\xff; max-age=x'),
    *('Content-Type: text/html; charset=\xff', ': x', 'x', '\x00', ' folded: x'),
]


def hostile_answer(random):
    """Return an Answer of random status, up to four random headers, and a random body."""
    headers = tuple(HEADERS[i] for i in random.integers(len(HEADERS), size=random.integers(5)))
    body = BODIES[random.integers(len(BODIES))]
    if any('chunked' in header for header in headers) and random.random() < 0.7:
        body = chunked(body)
    return Answer(headers, body, STATUSES[random.integers(len(STATUSES))])


@pytest.mark.parametrize('seed', range(3))
def test_of_hostile_answers_only_drawings_are_kept(server, tmp_path, monkeypatch, capfd, seed):
    monkeypatch.setattr(download, 'LARGEST', 3 * len(SMALL))
    monkeypatch.setattr(download, 'BACK_OFF', 0.001)
    monkeypatch.setattr(download, 'LONGEST_WAIT', 0.01)
    random = np.random.default_rng(seed)
    names, before = [str(number) for number in range(60)], {}
    for name in names:
        server.answers[f'{name}.bin'] = hostile_answer(random)
        for path in (tmp_path / f'{name}.bin', tmp_path / f'{name}.bin.part'):
            if random.random() < 0.2:
                path.write_bytes(BODIES[random.integers(len(BODIES))])
                before[path] = path.read_bytes()
    good = [f'good {number}' for number in range(download.AT_ONCE)]  # the server is one, at first
    server.files.update({f'{name}.bin': SMALL for name in good})
    with pytest.raises(InputError) as told:
        download.fetch([*good, *names], tmp_path, server.url)
    failed = int(re.search(r': (\d+) of 64 files could not be downloaded', str(told.value))[1])
    assert 20 < failed < 55
    lines = re.split(r'[\r\n]+', capfd.readouterr().err)
    assert 'Traceback' not in ''.join(lines)
    assert all(line.isprintable() and len(line) < 300 for line in lines)
    changed = [path for path in tmp_path.glob('*.bin') if path.read_bytes() != before.get(path)]
    assert all(len(record_offsets(path.read_bytes())) for path in changed)
    assert {tmp_path / f'{name}.bin' for name in good} < set(changed)
