"""Downloads from servers that answer with whatever a seed says."""

import numpy as np
import pytest
from broken_server import GARBAGE, PAGE, RECORD, Answer, chunked, drawings

from sketch.data import download
from sketch.data.quickdraw import DrawingFile

SMALL = drawings(20)
BODIES = [
    *[SMALL] * 4,
    SMALL[:-RECORD],
    SMALL[:-9],
    SMALL * 4,
    PAGE,
    GARBAGE,
    b'',
    b'\x1f\x8b\x08\x00',
]
STATUSES = [*['200 OK'] * 30, '206 Partial', '204 No', '302 Found', '404 No', '416 No', '503 \x07']
STATUSES += ['999 \xff', '+20 x', '', '200' + ' O' * 40_000]
VALUES = {
    'Content-Length': [
        len(SMALL),
        len(SMALL) - RECORD,
        0,
        -1,
        '1, 2',
        '9' * 5000,
        '1e3',
        '\xb2',
        '',
    ],
    'Content-Range': [f'bytes 0-/{len(SMALL)}', 'bytes 50-9/*', f'bytes {"7" * 5000}-1/2', '\xff'],
    'x-goog-hash': ['md5=abc', 'md5=' + 'A' * 22 + '==', 'md5=\xe9', ',,=,md5', '9' * 60_000],
    'Location': [
        'http://[::1/x',
        '\xff\xfe',
        'gs://b/x',
        '?',
        'http://0:0/',
        '//\u200b@:/',
        'x' * 9000,
    ],
    'Transfer-Encoding': ['chunked', 'gzip, chunked', 'nonsense'],
    'Content-Encoding': ['gzip', 'identity', 'br, \xff', 'zstd'],
    'Set-Cookie': ['=;;domain=..', 'a=b; expires=\xff; max-age=x'],
    'Content-Type': ['text/html; charset=\xff', ''],
    '': ['', 'x', '\x00'],
    ' folded': ['x'],
}


def hostile_answer(random):
    """Return an Answer of random status, up to four random headers, and a random body."""
    headers = []
    for name in random.choice(list(VALUES), random.integers(5)):
        headers.append(f'{name}: {VALUES[name][random.integers(len(VALUES[name]))]}')
    body = BODIES[random.integers(len(BODIES))]
    if any('chunked' in header for header in headers) and random.random() < 0.7:
        body = chunked(body)
    status, head_status = (STATUSES[random.integers(len(STATUSES))] for _ in range(2))
    return Answer(tuple(headers), body, status, head_status if random.random() < 0.3 else None)


@pytest.mark.parametrize('seed', range(3))
def test_only_drawings_are_kept(server, tmp_path, monkeypatch, caplog, seed):
    monkeypatch.setattr(download, 'LARGEST', 3 * len(SMALL))
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
    failed = download.fetch([*good, *names], tmp_path, server.url, back_off=0.001)
    assert 20 < len(failed) < 55
    assert not set(good) & set(failed)
    assert caplog.records == []  # the HTTP library would log tracebacks
    for name in names:
        path = tmp_path / f'{name}.bin'
        if name not in failed:
            with DrawingFile(path) as kept:
                assert len(kept) > 0
            continue
        assert failed[name].isprintable()
        assert len(failed[name]) < 200
        assert path.exists() == (path in before)
        if path in before:
            assert path.read_bytes() == before[path]
