"""Measures the page of draw.py over HTTP: from strokes to classes and similar drawings.

    python -m benchmarks --only page

Makes the same data set and untrained network as benchmarks.query, and starts draw.py on them. One
client, then eight at once, send drawings one after the other. Then the eight send drawings and
broken requests in turn; the server must go on answering, and its memory is measured.
"""

import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.query import WARM_UP, make_index_files
from sketch.data.dataset import FOLDERS
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row
from tools import synthetic

CLIENTS = 8
MORE = 50  # drawings that each client sends, with as many broken requests
BROKEN = (b'', b'[' * 5000, b'{"strokes": [[[NaN], [1]]]}', b'{"index": -1}', b'\xff' * 70_000)
ROOT = Path(__file__).resolve().parent.parent


def drawings(count):
    """Return bodies of queries, as the page sends them."""
    random = np.random.default_rng(0)
    categories = list(synthetic.CATEGORIES)
    bodies = []
    for number in range(count):
        strokes = synthetic.drawing(categories[number % len(categories)], random)
        bodies.append(json.dumps({'strokes': [stroke.T.tolist() for stroke in strokes]}).encode())
    return bodies


def post(connection, body):
    """Return the status of a query."""
    connection.request('POST', '/query', body, {'Content-Type': 'application/json'})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def client(address, bodies):
    """Send queries over one connection; return their milliseconds and their statuses."""
    connection, times, statuses = http.client.HTTPConnection(address, timeout=60), [], []
    for body in bodies:
        started = time.perf_counter()
        statuses.append(post(connection, body))
        times.append(1000 * (time.perf_counter() - started))
    connection.close()
    return times, statuses


def from_clients(address, bodies, clients):
    """Share queries among clients; return all milliseconds. Raises RuntimeError if one fails."""
    with ThreadPoolExecutor(clients) as pool:
        shares = [bodies[number::clients] for number in range(clients)]
        found = list(pool.map(client, [address] * clients, shares))
    if {status for _, statuses in found for status in statuses} != {200}:
        raise RuntimeError('a query failed')
    return np.concatenate([times for times, _ in found])


def resident_megabytes(process):
    status = Path(f'/proc/{process.pid}/status').read_text()
    return int(re.search(r'VmRSS:\s+(\d+)', status)[1]) / 1024


def abused(address, bodies, clients):
    """Send good and broken queries in turn. Raises RuntimeError if one gets a wrong status."""
    mixed = [body for pair in zip(bodies, BROKEN * len(bodies)) for body in pair]
    with ThreadPoolExecutor(clients) as pool:
        for _, statuses in pool.map(client, [address] * clients, [mixed] * clients):
            if statuses != [200, 400] * len(bodies):
                raise RuntimeError('a broken query was answered, or a good one was not')


def measure(nets=tuple(NETWORKS), images=5000, queries=200):
    """Yield Rows of the latency for one client and for CLIENTS, and of the server's memory."""
    bodies = drawings(queries)
    for net in nets:
        with tempfile.TemporaryDirectory() as name:
            checkpoint = make_index_files(Path(name), net, images)
            command = [sys.executable, ROOT / 'draw.py', '--data', name, '--no-browser']
            command += ['--checkpoint', checkpoint, '--port', '0']
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                try:
                    server.stdout.readline()
                    address = re.search(r'//([^/]+)/', server.stdout.readline())[1]
                    client(address, bodies[:WARM_UP])
                    what = f'{NETWORKS[net].title}, the page, {images_of(name):,} images'
                    yield from latencies(what, address, bodies)
                    before = resident_megabytes(server)
                    abused(address, bodies[:MORE], CLIENTS)
                    grown = resident_megabytes(server) - before
                    more = 2 * MORE * CLIENTS
                    yield Row(f'{what}: more memory after {more} requests', 'MB', grown)
                finally:
                    server.kill()


def images_of(folder):
    return sum(1 for _ in (Path(folder) / FOLDERS['test']).rglob('*.png'))


def latencies(what, address, bodies):
    for clients in (1, CLIENTS):
        times = from_clients(address, bodies, clients)
        title = f'{what}, {clients} client{"s" if clients > 1 else ""}'
        yield Row(f'{title}, median', 'ms', float(np.median(times)))
        yield Row(f'{title}, 95th percentile', 'ms', float(np.percentile(times, 95)))
