"""draw.py over real sockets: its names, its limits, and how it starts and ends."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import NARROW, served

import train
from sketch.page import hosts, queries

CROSS = [[[10, 90.5], [10, 90]], [[90, 10], [10, 90]]]


@pytest.fixture(scope='module')
def checkpoint(small_dataset, tmp_path_factory):
    """A checkpoint folder of a narrow skNet, untrained."""
    root = tmp_path_factory.mktemp('server')
    arguments = ['--data', small_dataset.folder, '--checkpoints', root, *NARROW, '--epochs', '0']
    train.main([str(argument) for argument in [*arguments, '--results', root / 'results.csv']])
    (folder,) = root.glob('checkpoints_*')
    return folder


def test_names_of_this_computer():
    name = socket.gethostname()
    with socket.create_server(('127.0.0.1', 0)) as alone, socket.create_server(('', 0)) as all_of:
        assert hosts.own_names(alone) == []
        assert {name, f'{name.partition(".")[0]}.local'} <= set(hosts.own_names(all_of))


def test_a_server_answers_and_ends_at_once(small_dataset, checkpoint):
    # As a shell starts a program in the background.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with served(small_dataset, checkpoint) as (process, address):
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            body = json.dumps({'strokes': CROSS}).encode()
            for _ in range(3):
                request = urllib.request.Request(
                    f'{address}query', body, {'Content-Type': 'application/json'}
                )
                with opener.open(request, timeout=30) as answer:
                    assert len(json.load(answer)['results']) == 12
            host, port = address.removeprefix('http://').rstrip('/').split(':')
            assert host == '127.0.0.1'
            with socket.create_connection((host, int(port))):  # one that says nothing
                started = time.monotonic()
                process.send_signal(signal.SIGINT)
                out, errors = process.communicate(timeout=30)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 10
    assert process.returncode == 130
    assert errors.splitlines() == ['draw.py: interrupted']
    assert out == ''


@pytest.fixture(scope='module')
def open_server(small_dataset, checkpoint):
    """A draw.py that answers on all addresses: its process, and its port."""
    flags = ['--host', '0.0.0.0', '--name', 'hub.example.org']
    with served(small_dataset, checkpoint, *flags) as (process, address):
        yield process, int(re.fullmatch(r'http://localhost:(\d+)/', address)[1])


def test_a_server_on_all_addresses_knows_its_names(open_server):
    process, port = open_server
    assert socket.gethostname() in process.stdout.readline()
    for name, status in [(socket.gethostname(), 200), ('hub.example.org', 200), ('evil', 421)]:
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
        connection.request('GET', '/', headers={'Host': f'{name}:{port}'})
        assert connection.getresponse().status == status
        connection.close()


def connected(port):
    return socket.create_connection(('127.0.0.1', port), timeout=30)


def has_temporary_files(process):
    """Return whether a process has open files without a name; False where the system is silent."""
    links = Path(f'/proc/{process.pid}/fd').glob('*')
    return any('(deleted)' in os.path.realpath(link) for link in links)


@pytest.mark.parametrize('length', ['Content-Length: 200000000', 'Transfer-Encoding: chunked'])
def test_large_bodies_are_not_taken(open_server, length):
    process, port = open_server
    head = f'POST /query HTTP/1.1\r\nHost: evil.example\r\n{length}\r\n\r\n'
    chunk = b'10000\r\n' + b' ' * 65536 + b'\r\n'
    for _ in range(3):
        sent = 0
        with connected(port) as client, contextlib.suppress(ConnectionError):
            client.sendall(head.encode())
            while sent < 50_000_000:
                client.sendall(chunk)
                sent += len(chunk)
                assert not has_temporary_files(process)
        assert sent < 20_000_000  # what the system's buffers hold


def test_the_largest_body_is_taken_and_kept_in_memory(open_server):
    process, port = open_server
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    connection.putrequest('POST', '/query')
    connection.putheader('Content-Type', 'application/json')
    connection.putheader('Content-Length', queries.BYTES)
    connection.endheaders(b' ' * (queries.BYTES - 1))
    time.sleep(0.3)
    assert not has_temporary_files(process)
    connection.send(b' ')
    assert 'not JSON' in connection.getresponse().read().decode()
    connection.close()


@pytest.mark.parametrize('head', ['', 'POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Le'])
def test_half_sent_requests_keep_nobody_out(open_server, head):
    _, port = open_server
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connected(port)).sendall(head.encode())
        started = time.monotonic()
        request = urllib.request.Request(f'http://127.0.0.1:{port}/about')
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            assert json.load(answer)['images'] == 12
        assert time.monotonic() - started < 5


def test_a_port_in_use(refused, small_dataset, checkpoint):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        flags = ['--data', small_dataset.folder, '--checkpoint', checkpoint, '--no-browser']
        refused('draw.py', *flags, '--port', port, words=[f'port {port}', 'another'])


@pytest.mark.parametrize(
    ('flags', 'words'),
    [
        (['--port', '70000'], ['--port', '70000', '65535']),
        (['--host', 'no.such.host.invalid'], ['host no.such.host.invalid']),
        (['--host', 'a' * 64], ['host aaa', 'not the name of a computer']),
        (['--checkpoint', 'nowhere'], ['nowhere']),
    ],
)
def test_wrong_flags(refused, small_dataset, checkpoint, flags, words):
    if '--checkpoint' not in flags:
        flags = ['--checkpoint', checkpoint, *flags]
    refused('draw.py', '--data', small_dataset.folder, '--no-browser', *flags, words=words)
