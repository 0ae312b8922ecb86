"""Downloads from servers, networks and folders that are hostile or wrong."""

import os
import time

import pytest
from broken_server import CONTENT, GARBAGE, PAGE, RECORD, Answer, chunked, drawings

from sketch.data import download
from sketch.errors import InputError

LENGTH = f'Content-Length: {len(CONTENT)}'
MD5 = 'x-goog-hash: md5=' + 'A' * 22 + '=='  # of other bytes


def fetch(server, names, folder):
    return download.fetch(names, folder, server.url, back_off=0.01)


def asked(server, name):
    return [name for name, _, _ in server.log].count(name)


def only_reason(failed, names):
    """Return the one short reason that all names share."""
    assert list(failed) == list(names)
    (reason,) = set(failed.values())
    assert len(reason) < 200
    assert '\n' not in reason
    return reason


def lines_told(stderr):
    """Return the lines of stderr that are no progress bar."""
    return [line for line in stderr.splitlines() if line and not line.startswith('downloading')]


def length_of(body):
    return f'Content-Length: {len(body)}'


@pytest.mark.parametrize(
    ('headers', 'body'),
    [
        ((length_of(PAGE),), PAGE),
        ((), PAGE),
        (('Transfer-Encoding: chunked',), chunked(PAGE)),
        ((length_of(PAGE), MD5), PAGE),
    ],
    ids=['length', 'connection', 'chunked', 'wrong md5'],
)
def test_a_web_page_is_told_and_not_kept(server, tmp_path, headers, body):
    server.answers['x.bin'] = Answer(headers, body)
    assert 'web page' in only_reason(fetch(server, ['x'], tmp_path), ['x'])
    assert asked(server, 'x.bin') == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('body', [GARBAGE, CONTENT[:-5], b''], ids=['garbage', 'cut', 'empty'])
def test_what_does_not_parse_is_not_kept(server, tmp_path, body):
    names = list('abcde')
    framed = Answer(('Transfer-Encoding: chunked',), chunked(body) if body else b'0\r\n\r\n')
    server.answers = {f'{name}.bin': framed for name in names}
    reason = only_reason(fetch(server, names, tmp_path), names)
    assert 'something else than drawings' in reason
    assert [asked(server, f'{name}.bin') for name in names] == [1] * 5  # all of it came
    assert list(tmp_path.iterdir()) == []


def test_a_cut_that_only_the_parser_sees_is_tried_again(server, tmp_path):
    server.answers['x.bin'] = Answer((), CONTENT[:-5])  # its end is that of the connection
    reason = only_reason(fetch(server, ['x'], tmp_path), ['x'])
    assert 'something else than drawings' in reason
    assert asked(server, 'x.bin') == download.ATTEMPTS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'old', [PAGE, CONTENT[:-5], b'', GARBAGE], ids=['page', 'cut', 'empty', 'garbage']
)
def test_an_existing_file_that_does_not_parse_is_repaired(server, tmp_path, old):
    (tmp_path / 'x.bin').write_bytes(old)
    server.answers['x.bin'] = Answer((), CONTENT)
    assert fetch(server, ['x'], tmp_path) == {}
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT


def test_an_intact_file_is_kept_without_size_and_md5(server, tmp_path):
    (tmp_path / 'x.bin').write_bytes(drawings(3, seed=1))
    server.answers['x.bin'] = Answer((), CONTENT)
    assert fetch(server, ['x'], tmp_path) == {}
    assert asked(server, 'x.bin') == 0
    assert (tmp_path / 'x.bin').read_bytes() == drawings(3, seed=1)


@pytest.mark.parametrize('status', ['403 No', '405 No', '501 No'])
def test_where_head_is_refused_get_says_the_size(server, tmp_path, status):
    server.answers = dict.fromkeys(
        ['x.bin', 'y.bin', 'z.bin'], Answer((LENGTH,), CONTENT, head_status=status)
    )
    (tmp_path / 'y.bin').write_bytes(CONTENT)
    (tmp_path / 'z.bin').write_bytes(CONTENT[:-RECORD])  # parses
    assert fetch(server, ['x', 'y', 'z'], tmp_path) == {}
    for path in tmp_path.iterdir():
        assert path.read_bytes() == CONTENT
    assert [asked(server, f'{name}.bin') for name in 'xyz'] == [2, 1, 2]


@pytest.mark.parametrize('status', [401, 403, 404, 410])
def test_a_permanent_refusal_is_told_once(server, run_script, tmp_path, status):
    names = ['ant', 'bat', 'cat', 'dog', 'elk', 'fox']
    (tmp_path / 'categories.txt').write_text('\n'.join(names))
    server.answers = {f'{name}.bin': Answer(status=f'{status} \x1b[31m') for name in names}
    server.answers['fox.bin'] = Answer((LENGTH,), CONTENT)
    arguments = ['--download', '--mirror', server.url, '--categories-only', *names]
    began = time.monotonic()
    ended = run_script('create_dataset.py', *arguments, cwd=tmp_path)
    assert time.monotonic() - began < 10
    (line,) = lines_told(ended.stderr)
    assert ended.returncode == 2
    assert 'files: 5 of 6 files could not be downloaded: ' in line
    assert f'.bin and 3 more: 127.0.0.1:{server.server_port} answers {status} ' in line
    assert '\x1b' not in line
    assert len(line) < 250


def test_several_reasons_are_a_line_each(server, run_script, tmp_path):
    names = ['ant', 'bat', 'cat', 'dog', 'elk']
    (tmp_path / 'categories.txt').write_text('\n'.join(names))
    server.answers = {f'{name}.bin': Answer(status='404 No') for name in names[:3]}
    server.answers.update(dict.fromkeys(['dog.bin', 'elk.bin'], Answer((), PAGE)))
    arguments = ['--download', '--mirror', server.url, '--categories-only', *names]
    ended = run_script('create_dataset.py', *arguments, cwd=tmp_path)
    *reasons, last = lines_told(ended.stderr)
    assert sorted('404' in line for line in reasons) == [False, True]
    assert '5 of 5 files could not be downloaded: for the reasons above' in last


@pytest.mark.parametrize(
    'answer',
    [
        Answer(('Transfer-Encoding: chunked',), chunked(CONTENT + drawings(1))),
        Answer((), CONTENT * 3),
        Answer(('Content-Length: ' + '9' * 5000,), CONTENT),
        Answer(('Content-Length: 3000000',), CONTENT * 3),
    ],
    ids=['chunked', 'connection', '5000 digits', 'length'],
)
def test_a_body_has_a_cap(server, tmp_path, monkeypatch, answer):
    monkeypatch.setattr(download, 'LARGEST', len(CONTENT))
    server.answers['x.bin'] = answer
    assert 'too much' in only_reason(fetch(server, ['x'], tmp_path), ['x'])
    assert asked(server, 'x.bin') <= 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('body', 'words'),
    [
        (CONTENT + drawings(1), 'more bytes than it announces'),
        (CONTENT[:-RECORD], 'cuts the transfer'),
    ],
    ids=['longer', 'shorter'],
)
def test_a_body_is_as_long_as_announced(server, tmp_path, body, words):
    class Chunked(Answer):
        def send(self, handler, method):
            headers = ('Transfer-Encoding: chunked',) if method == 'GET' else (LENGTH,)
            Answer(headers, self.body).send(handler, method)

    server.answers['x.bin'] = Chunked(body=chunked(body))
    assert words in only_reason(fetch(server, ['x'], tmp_path), ['x'])
    assert not (tmp_path / 'x.bin').exists()
    assert (tmp_path / 'x.bin.part').exists() == (words == 'cuts the transfer')


@pytest.mark.parametrize(
    'part', [PAGE, GARBAGE, CONTENT[5:300_000]], ids=['page', 'garbage', 'shifted']
)
def test_a_part_of_no_use_is_replaced_without_an_md5(server, tmp_path, part):
    server.hashes = False
    server.files['x.bin'] = CONTENT
    (tmp_path / 'x.bin.part').write_bytes(part)
    assert fetch(server, ['x'], tmp_path) == {}
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT


@pytest.mark.parametrize(
    'header',
    [
        'x-goog-hash: md5=abc',
        'x-goog-hash: md5=AAAA',
        'x-goog-hash: md5=\xe9',
        'x-goog-hash: md5',
        'Content-Length: -5',
        'Content-Length: five',
        'Content-Length: \xb2',
        'Content-Range: bytes x-y/z',
        'Set-Cookie: \xff=;;=; expires=never; domain=..',
    ],
)
def test_unusable_headers_are_ignored(server, tmp_path, header):
    server.answers = {'x.bin': Answer((header,), CONTENT), 'y.bin': Answer((header,), GARBAGE)}
    assert set(fetch(server, ['x', 'y'], tmp_path)) == {'y'}
    assert [path.name for path in tmp_path.iterdir()] == ['x.bin']


@pytest.mark.parametrize(
    'span', ['', 'bytes', 'bytes 5-9/10', f'bytes {"9" * 5000}-/', 'bytes -1-2/3', 'bytes 0-1/\xb2']
)
def test_another_range_than_asked_for(server, tmp_path, span):
    answer = Answer((f'Content-Range: {span}', LENGTH), CONTENT, '206 Part', head_status='200 OK')
    server.answers['x.bin'] = answer
    (tmp_path / 'x.bin.part').write_bytes(CONTENT[:100])
    assert 'another range' in only_reason(fetch(server, ['x'], tmp_path), ['x'])
    assert (tmp_path / 'x.bin.part').read_bytes() == CONTENT[:100]


@pytest.mark.parametrize(
    'target',
    [
        'http://[::1/x',
        'http://h:99999/',
        'ftp://h/x',
        'file:///etc/passwd',
        '//',
        'http://',
        'x.bin',
    ],
)
def test_unsupported_redirects_end_at_once(server, tmp_path, target):
    server.answers['x.bin'] = Answer((f'Location: {target}',), status='302 Found')
    assert 'redirects' in only_reason(fetch(server, ['x'], tmp_path), ['x'])
    assert asked(server, 'x.bin') == 0  # HEAD has told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('target', ['pi\xc3\xb1ata.bin', '/binary/pi%C3%B1ata.bin'])
def test_a_redirect_is_followed(server, tmp_path, target):
    server.files['piñata.bin'] = CONTENT
    server.answers['x.bin'] = Answer((f'Location: {target}',), bytes(10**6), '307 Elsewhere')
    assert fetch(server, ['x'], tmp_path) == {}
    assert (tmp_path / 'x.bin').read_bytes() == CONTENT


def test_a_redirect_that_is_not_utf8(server, tmp_path):
    server.answers['x.bin'] = Answer(('Location: \xff.bin',), status='302 Found')
    assert '404' in only_reason(fetch(server, ['x'], tmp_path), ['x'])


def test_an_answer_that_is_not_http(server, tmp_path):
    server.answers['x.bin'] = Answer(status='', head_status='200 OK')
    assert 'breaks off its answer' in only_reason(fetch(server, ['x'], tmp_path), ['x'])
    assert asked(server, 'x.bin') == download.ATTEMPTS


def test_a_compressed_file_is_refused(server, tmp_path):
    server.answers['x.bin'] = Answer(('Content-Encoding: gzip', LENGTH), CONTENT)
    assert 'compresses' in only_reason(fetch(server, ['x'], tmp_path), ['x'])


@pytest.mark.parametrize('name', ['x.bin.part', 'x.bin'])
@pytest.mark.parametrize('kind', ['link', 'hard link', 'folder', 'pipe'])
def test_only_a_file_is_written_to(server, tmp_path, name, kind):
    server.files['x.bin'] = CONTENT
    precious = tmp_path / 'precious'
    precious.write_bytes(b'untouched')
    path = tmp_path / 'files' / name
    path.parent.mkdir()
    if kind == 'link':
        path.symlink_to(precious)
    elif kind == 'hard link':
        os.link(precious, path)
    elif kind == 'folder':
        path.mkdir()
    else:
        os.mkfifo(path)
    failed = fetch(server, ['x'], tmp_path / 'files')
    assert precious.read_bytes() == b'untouched'
    if name == 'x.bin' and 'link' in kind:  # the new file takes the link's place
        assert failed == {}
        assert not path.is_symlink()
        assert path.read_bytes() == CONTENT
    else:
        reason = failed['x']
        assert reason == f'{path}: a link, folder or device, not a file; remove it'
        assert [left.name for left in path.parent.iterdir()] == [name]


@pytest.mark.parametrize(
    ('mirror', 'words'),
    [
        ('gs://quickdraw_dataset/full', 'https://storage.googleapis.com/quickdraw_dataset/full'),
        ('file:///srv/drawings', 'http:// or https://'),
        ('example.org/drawings', 'did you mean https://example.org/drawings?'),
        ('localhost:8000', 'has no scheme'),
        ('http://[::1/x', 'not an address'),
        ('https://h:99999', 'not an address'),
        ('http://', 'not an address'),
        ('', 'not an address'),
    ],
)
def test_an_invalid_mirror_is_refused_at_once(tmp_path, mirror, words):
    with pytest.raises(InputError) as told:
        download.fetch(['x', 'y'], tmp_path / 'files', mirror)
    assert str(told.value).startswith(f'--mirror {mirror}: ')
    assert words in str(told.value)
    assert not (tmp_path / 'files').exists()
