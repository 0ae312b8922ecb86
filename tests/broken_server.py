"""A local server of `.bin` files that breaks in every way a real one does."""

import base64
import contextlib
import hashlib
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np

from tools import synthetic


def drawings(count, seed=0):
    """Return the bytes of a file of drawings, about 1,000 each."""
    random = np.random.default_rng(seed)
    points = random.integers(0, 256, (count, 490, 2), dtype=np.uint8)
    return b''.join(synthetic.encode(number, [stroke]) for number, stroke in enumerate(points))


CONTENT = drawings(1000)
PAGE = b'\n<!DOCTYPE html><html><body>Please log in</body></html>'
GARBAGE = b'\xff' * 5000
RECORD = len(drawings(1))


class Answer(NamedTuple):
    """What is sent, as it is, for one file; then the connection is closed."""

    headers: tuple = ()  # lines
    body: bytes = b''
    status: str = '200 OK'
    head_status: str = None  # of the answer to HEAD, if another

    def send(self, handler, method):
        status = self.head_status if method == 'HEAD' and self.head_status else self.status
        lines = [f'HTTP/1.1 {status}', *self.headers, 'Connection: close', '', '']
        content = '\r\n'.join(lines).encode('latin-1', 'replace')
        handler.close_connection = True
        with contextlib.suppress(ConnectionError):  # the client has read enough
            handler.wfile.write(content + (self.body if method == 'GET' else b''))


def chunked(content):
    """Return a body in one chunk."""
    return b'%x\r\n%s\r\n0\r\n\r\n' % (len(content), content)


class Server(ThreadingHTTPServer):
    """Serves `files`; a file's `faults` are used up one a GET, then it behaves.

    A name in `answers` gets that Answer instead.
    """

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files, self.faults, self.log = {}, defaultdict(list), []
        self.answers = {}
        self.hashes = True
        self.well_under_way = threading.Event()  # a slow transfer
        self.most_at_once = self.at_once = 0
        self.lock = threading.Lock()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # the client has read enough
            super().handle_error(request, client_address)

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}/binary'


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status, length, extra=()):
        self.send_response(status)
        self.send_header('Content-Length', str(length))
        for header in extra:
            self.send_header(*header)
        self.end_headers()

    def headers_of(self, content):
        if not self.server.hashes:
            return []
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        return [('x-goog-hash', f'crc32c=AAAAAA==, md5={md5}')]

    def do_HEAD(self):
        name = unquote(self.path).rsplit('/', 1)[1]
        content = self.server.files.get(name)
        if name in self.server.answers:
            self.server.answers[name].send(self, 'HEAD')
        elif content is None:
            self.answer(404, 0)
        else:
            self.answer(200, len(content), self.headers_of(content))

    def do_GET(self):
        server = self.server
        name = unquote(self.path).rsplit('/', 1)[1]
        fault = server.faults[name].pop(0) if server.faults[name] else None
        asked = self.headers.get('Range')
        server.log.append((name, asked, fault))
        if name in server.answers:
            server.answers[name].send(self, 'GET')
            return
        with server.lock:
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            self.serve(server.files.get(name), asked, fault)
        finally:
            with server.lock:
                server.at_once -= 1

    def serve(self, content, asked, fault):
        if content is None or fault in range(400, 600):
            self.answer(fault or 404, 0)
            return
        begin = int(asked.split('=')[1].rstrip('-')) if asked and fault != 'ignore range' else 0
        body = content[begin:]
        extra = self.headers_of(content)
        if begin:
            extra.append(('Content-Range', f'bytes {begin}-{len(content) - 1}/{len(content)}'))
        if fault == 'wrong bytes':
            body = bytes(len(body))
        self.answer(206 if begin else 200, len(body), extra)
        if fault == 'slow':
            with contextlib.suppress(ConnectionError):  # the client is interrupted
                for begin in range(0, len(body), 10_000):
                    self.wfile.write(body[begin : begin + 10_000])
                    if begin == 200_000:
                        self.server.well_under_way.set()
                    time.sleep(0.05 if begin < 200_000 else 0.5)
        elif fault == 'cut':
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            self.connection.close()
        else:
            self.wfile.write(body)


@contextlib.contextmanager
def running():
    """Serve until the block ends."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
