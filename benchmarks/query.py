"""Measures a search on a loaded index, and the same over HTTP, by the page of draw.py.

    python -m benchmarks --only query

Makes a data set of synthetic drawings and untrained networks in a temporary folder. A query of the
index is a random test image, which goes through the network again. The page gets strokes, and gives
classes and similar drawings: one client, then eight at once, send drawings one after the other.
Then the eight send drawings and broken requests in turn; the server must go on answering, and its
memory is measured.
"""

import contextlib
import http.client
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks import samples
from benchmarks.measuring import in_new_process, megabytes
from sketch.data.dataset import open_dataset
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row
from sketch.runs.settings import Default
from tools import synthetic

PER_CATEGORY = 417  # test images
QUERIES = 200
WARM_UP = 5  # queries that do not count
PARTS = ('network', 'nearest images', 'class')
CLIENTS = 8
MORE = 50  # drawings that each client sends, with as many broken requests
BROKEN = (b'', b'[' * 5000, b'{"strokes": [[[NaN], [1]]]}', b'{"index": -1}', b'\xff' * 70_000)
DRAW = Path(__file__).resolve().parent.parent / 'draw.py'


def timed(index, image):
    """Return the seconds at which a query starts, has its vector, its images, and its class."""
    times = [time.perf_counter()]
    query = index.query_of(image, '')
    times.append(time.perf_counter())
    index.search(query.vector, Default.top)
    times.append(time.perf_counter())
    index.predict(query.fc1[np.newaxis])
    times.append(time.perf_counter())
    return times


def query_milliseconds(data, checkpoint):
    """Return the milliseconds of each query in each of PARTS, (QUERIES, 3)."""
    from sketch.evaluation.search_index import SearchIndex

    dataset = open_dataset(data, ['test'])
    chosen = np.random.default_rng(0).integers(0, len(dataset.test), WARM_UP + QUERIES)
    with SearchIndex(dataset, checkpoint, Default.distance) as index:
        times = [timed(index, index.image(image)) for image in chosen]
    return 1000 * np.diff(times[WARM_UP:], axis=1)


@contextlib.contextmanager
def page(data, checkpoint):
    """Give the process of draw.py, and its address, until the block ends."""
    command = [sys.executable, DRAW, '--data', data, '--checkpoint', checkpoint]
    command += ['--no-browser', '--port', '0']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            server.stdout.readline()
            yield server, re.search(r'//([^/]+)/', server.stdout.readline())[1]
        finally:
            server.kill()


def drawings():
    """Return bodies of queries, as the page sends them."""
    random = np.random.default_rng(0)
    categories = list(synthetic.CATEGORIES)
    bodies = []
    for number in range(QUERIES):
        strokes = synthetic.drawing(categories[number % len(categories)], random)
        bodies.append(json.dumps({'strokes': [stroke.T.tolist() for stroke in strokes]}).encode())
    return bodies


def send(address, bodies):
    """Send queries over one connection; return their milliseconds.

    Raises:
        RuntimeError: a broken query was answered, or a good one was not.
    """
    connection, times = http.client.HTTPConnection(address, timeout=60), []
    for body in bodies:
        started = time.perf_counter()
        connection.request('POST', '/query', body, {'Content-Type': 'application/json'})
        answer = connection.getresponse()
        answer.read()
        times.append(1000 * (time.perf_counter() - started))
        if answer.status != (400 if body in BROKEN else 200):
            raise RuntimeError(f'status {answer.status} for {body[:80]}')
    connection.close()
    return times


def from_clients(address, shares):
    """Send each client's queries at once; return all milliseconds."""
    with ThreadPoolExecutor(len(shares)) as pool:
        return np.concatenate(list(pool.map(send, [address] * len(shares), shares)))


def latencies(what, milliseconds):
    """Yield Rows of the median and the 95th percentile."""
    yield Row(f'{what}, median', 'ms', float(np.median(milliseconds)))
    yield Row(f'{what}, 95th percentile', 'ms', float(np.percentile(milliseconds, 95)))


def measure_index(what, data, checkpoint):
    parts = in_new_process(query_milliseconds, data, checkpoint)
    yield from latencies(what, parts.sum(axis=1))
    for part, milliseconds in zip(PARTS, np.median(parts, axis=0)):
        yield Row(f'{what}, {part}', 'ms', float(milliseconds))


def measure_page(what, data, checkpoint):
    bodies = drawings()
    with page(data, checkpoint) as (server, address):
        send(address, bodies[:WARM_UP])
        yield from latencies(f'{what}, 1 client', from_clients(address, [bodies]))
        shares = [bodies[number::CLIENTS] for number in range(CLIENTS)]
        yield from latencies(f'{what}, {CLIENTS} clients', from_clients(address, shares))
        before = megabytes('VmRSS', server.pid)
        mixed = [body for pair in zip(bodies[:MORE], BROKEN * MORE) for body in pair]
        from_clients(address, [mixed] * CLIENTS)
        grown = megabytes('VmRSS', server.pid) - before
        yield Row(f'{what}: more memory after {2 * MORE * CLIENTS} requests', 'MB', grown)


def measure():
    """Yield Rows of the time of a query, of the index and over HTTP, and of the server's memory."""
    images = f'{samples.CATEGORIES * PER_CATEGORY:,} images'
    with samples.dataset(1, PER_CATEGORY) as data:
        for net, network in NETWORKS.items():
            flags = '--epochs', 0, '--measure', 'train'
            checkpoint = in_new_process(samples.network, data, net, *flags)
            yield from measure_index(f'{network.title}, one query of {images}', data, checkpoint)
            yield from measure_page(f'{network.title}, the page, {images}', data, checkpoint)
