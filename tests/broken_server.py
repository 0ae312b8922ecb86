"""A local server of `.bin` files that breaks as real ones do."""

import base64
import contextlib
import hashlib
import threading
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
RECORD = len(drawings(1))
PAGE = b'\n<!DOCTYPE html><html><body>Please log in</body></html>'
GARBAGE = b'\xff' * 5000


class Answer(NamedTuple):
    """What is sent, as it is; then the connection is closed."""

    headers: tuple = ()  # lines
    body: bytes = b''
    status: str = '200 OK'


def whole(content, *headers):
    """Return the Answer of a server that says how much it sends."""
    return Answer((f'Content-Length: {len(content)}', *headers), content)


def chunked(content):
    """Return a body in one chunk."""
    return b'%x\r\n%s\r\n0\r\n\r\n' % (len(content), content)


class Server(ThreadingHTTPServer):
    """Serves `files`, with their md5; a name in `answers` gets that Answer instead.

    A file's `faults` are used up one a request, then it behaves: an Answer, the number of a status,
    'cut', 'slow', 'ignore range' or 'wrong bytes'. `log` has the name and range of each request.
    """

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files, self.faults, self.answers, self.log = {}, defaultdict(list), {}, []
        self.hashes = True
        self.well_under_way, self.hurry = threading.Event(), threading.Event()  # a slow transfer

    def handle_error(self, *_):
        """Print nothing: a client that has read enough closes the connection."""

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}/binary'


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_GET(self):
        server, asked = self.server, self.headers.get('Range')
        name = unquote(self.path).rsplit('/', 1)[1]
        server.log.append((name, asked))
        fault = server.faults[name].pop(0) if server.faults[name] else server.answers.get(name)
        content = server.files.get(name)
        if isinstance(fault, Answer):
            head = '\r\n'.join([f'HTTP/1.1 {fault.status}', *fault.headers, 'Connection: close'])
            self.close_connection = True
            self.wfile.write(head.encode('latin-1', 'replace') + b'\r\n\r\n' + fault.body)
        elif isinstance(fault, int) or content is None:
            self.send_response(fault or 404)
            self.send_header('Content-Length', '0')
            self.end_headers()
        else:
            begin = int(asked[6:-1]) if asked and fault != 'ignore range' else 0
            self.serve(content, begin, fault)

    def serve(self, content, begin, fault):
        body = bytes(len(content) - begin) if fault == 'wrong bytes' else content[begin:]
        self.send_response(416 if begin >= len(content) else 206 if begin else 200)
        self.send_header('Content-Length', str(len(body)))
        if self.headers['Accept-Encoding'] != 'identity':
            self.send_header('Content-Encoding', 'gzip')
        if begin:
            self.send_header('Content-Range', f'bytes {begin}-{len(content) - 1}/{len(content)}')
        if self.server.hashes:
            md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
            self.send_header('x-goog-hash', f'crc32c=AAAAAA==, md5={md5}')
        self.end_headers()
        if fault == 'slow':
            for sent in range(0, len(body), 10_000):
                self.wfile.write(body[sent : sent + 10_000])
                if sent == 200_000:
                    self.server.well_under_way.set()
                self.server.hurry.wait(0.1)
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
