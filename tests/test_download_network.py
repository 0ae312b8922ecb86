"""Downloads where the network, the proxy or the server's host is wrong or away."""

import socket
import time
from unittest import mock

import pytest
import requests
from broken_server import CONTENT, Answer, drawings, running

from sketch.data import download

NAMES = [str(number) for number in range(40)]


def only_reason(failed):
    """Return the one short reason that all NAMES share."""
    assert list(failed) == NAMES
    (reason,) = set(failed.values())
    assert len(reason) < 200
    return reason


@pytest.fixture
def closed_port(monkeypatch):
    """The address of a server that has just ended."""
    monkeypatch.setenv('no_proxy', '*')
    with running() as server:
        return server.url


def test_without_a_server_one_line_after_seconds(closed_port, run_script, tmp_path):
    (tmp_path / 'categories.txt').write_text('\n'.join(NAMES))
    arguments = ['--download', '--mirror', closed_port, '--classes', len(NAMES)]
    began = time.monotonic()
    ended = run_script('create_dataset.py', *arguments, cwd=tmp_path)
    assert time.monotonic() - began < 15
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()  # and no bar
    host = closed_port.split('/')[2]
    reason = f'{host} cannot be reached (Connection refused): check the network and --mirror'
    assert line.endswith(f'files: 40 of 40 files could not be downloaded: {reason}')
    assert list((tmp_path / 'files').iterdir()) == []


def test_without_name_resolution(monkeypatch, tmp_path):
    asked = []

    def no_answer(host, *_, **__):
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, 'Temporary failure in name resolution')

    monkeypatch.setenv('no_proxy', '*')
    monkeypatch.setattr(socket, 'getaddrinfo', no_answer)
    failed = download.fetch(NAMES, tmp_path, 'https://example.org/drawings', back_off=0.1)
    assert only_reason(failed).startswith('example.org cannot be reached (Temporary failure')
    assert len(asked) <= 3 * download.AT_ONCE


def test_a_network_lost_midway_is_waited_for_once(server, monkeypatch, tmp_path):
    server.answers = {f'{name}.bin': Answer((), CONTENT) for name in NAMES}
    lookup = socket.getaddrinfo
    lost = []

    def answers_at_first(*arguments, **options):
        if len(server.log) >= 3:
            lost.append(time.monotonic())
            raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')
        return lookup(*arguments, **options)

    monkeypatch.setattr(socket, 'getaddrinfo', answers_at_first)
    failed = download.fetch(NAMES, tmp_path, server.url, back_off=0.02)
    assert 0 < len(failed) < len(NAMES)
    (reason,) = set(failed.values())
    assert 'cannot be reached (Name or service not known)' in reason
    # As long as one file's attempts last, not that long for every four.
    assert 31 * 0.02 <= lost[-1] - lost[0] < 5 * 31 * 0.02
    assert len(list(tmp_path.iterdir())) == len(NAMES) - len(failed)


def test_a_server_that_comes_back_in_time(server, monkeypatch, tmp_path):
    server.files = {f'{name}.bin': drawings(5) for name in NAMES}
    lookup, refused = socket.getaddrinfo, []

    def answers_later(*arguments, **options):
        if len(refused) < download.AT_ONCE:
            refused.append(arguments)
            raise socket.gaierror(socket.EAI_AGAIN, 'Temporary failure in name resolution')
        return lookup(*arguments, **options)

    monkeypatch.setattr(socket, 'getaddrinfo', answers_later)
    assert download.fetch(NAMES, tmp_path, server.url, back_off=0.2) == {}


def test_a_host_that_answers_between_failures_is_not_given_up(server, monkeypatch, tmp_path):
    server.answers = {f'{name}.bin': Answer((), drawings(5)) for name in NAMES}
    lookup, asked = socket.getaddrinfo, []

    def fails_now_and_then(*arguments, **options):
        time.sleep(0.04)
        asked.append(arguments)
        if len(asked) % 20 == 0:
            raise socket.gaierror(socket.EAI_AGAIN, 'Temporary failure in name resolution')
        return lookup(*arguments, **options)

    monkeypatch.setattr(socket, 'getaddrinfo', fails_now_and_then)
    assert download.fetch(NAMES, tmp_path, server.url, back_off=0.01) == {}
    assert len(asked) > 80


@pytest.mark.parametrize(
    ('proxy', 'words'),
    [
        ('socks5://127.0.0.1:9', 'PySocks'),
        ('nonsense://127.0.0.1:9', 'proxy settings'),
        ('http://', 'proxy settings'),
        ('http://127.0.0.1:1', 'through the proxy (Connection refused)'),
    ],
)
def test_an_unusable_proxy_is_told(monkeypatch, tmp_path, proxy, words):
    if proxy.startswith('socks'):
        # As requests does where PySocks is not installed; selenium installs it.
        error = requests.exceptions.InvalidSchema('Missing dependencies for SOCKS support.')
        without = mock.Mock(side_effect=error)
        monkeypatch.setattr(requests.adapters, 'SOCKSProxyManager', without)
    monkeypatch.setenv('no_proxy', '')
    monkeypatch.setenv('NO_PROXY', '')
    for name in ('http_proxy', 'all_proxy'):
        monkeypatch.setenv(name, proxy)
    failed = download.fetch(NAMES, tmp_path, 'http://example.org/drawings', back_off=0.1)
    assert words in only_reason(failed)


def test_https_where_http_is_spoken(server, tmp_path):
    failed = download.fetch(NAMES, tmp_path, server.url.replace('http', 'https'), back_off=0.05)
    assert 'cannot be reached' in only_reason(failed)


def test_no_bar_unless_bytes_flow(server, tmp_path, capfd):
    server.files['x.bin'] = CONTENT
    server.answers['y.bin'] = Answer(status='404 No')
    (tmp_path / 'x.bin').write_bytes(CONTENT)
    assert set(download.fetch(['x', 'y'], tmp_path, server.url)) == {'y'}
    assert capfd.readouterr().err == ''
    (tmp_path / 'x.bin').unlink()
    assert set(download.fetch(['x', 'y'], tmp_path, server.url)) == {'y'}
    assert 'downloading: 100%' in capfd.readouterr().err
