"""Downloads from servers that answer with whatever a seed says."""

import re

import numpy as np
import pytest
from broken_server import GARBAGE, PAGE, RECORD, Answer, chunked, drawings

from sketch.data import download
from sketch.data.quickdraw import record_offsets
from sketch.errors import InputError

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
def test_only_drawings_are_kept(server, tmp_path, monkeypatch, capfd, seed):
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
