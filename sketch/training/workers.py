"""The workers of a training on several machines: who they are, and whether they are alive.

TF_CONFIG, TensorFlow's environment variable, names the workers. All run the same command with the
same data set and the same --checkpoints folder. The first worker is the chief: it prepares that
folder, writes the checkpoints and evaluates. docs/distributed.md shows the commands.
"""

import json
import os
import re
import socket
import sys
import threading
import time
from typing import NamedTuple

from sketch.errors import InputError

CHIEF_TIMEOUT = 600  # seconds for the chief to be ready
POLL_SECONDS = 2
MAX_MISSED_POLLS = 3  # in a row; then a worker counts as dead


class Workers(NamedTuple):
    """The workers of a training, as TF_CONFIG names them."""

    addresses: list  # host:port of each, the chief's first
    index: int  # of this worker

    @property
    def is_chief(self):
        """Whether this worker writes the checkpoints."""
        return self.index == 0

    @property
    def shard(self):
        """(index, count) of this worker."""
        return self.index, len(self.addresses)


def workers_of_tf_config():
    """Return the Workers in TF_CONFIG, None without it or for a single worker.

    Raises:
        InputError: TF_CONFIG is not a cluster of workers.
    """
    text = os.environ.get('TF_CONFIG')
    if not text:
        return None
    try:
        config = json.loads(text)
        cluster = config.get('cluster', {})
        chiefs = [*cluster.get('chief', []), *cluster.get('master', [])]
        addresses = chiefs + list(cluster.get('worker', []))
        known = set(cluster) <= {'chief', 'master', 'worker'}
        known = known and all(isinstance(names, list) for names in cluster.values())
        known = known and all(re.fullmatch(r'.+:\d{1,5}', address) for address in addresses)
        known = known and all(0 < int(a.rsplit(':', 1)[1]) < 2**16 for a in addresses)
        known = known and len(set(addresses)) == len(addresses)
        index = 0
        if len(addresses) > 1:
            task = config['task']
            index = int(task['index']) + (len(chiefs) if task['type'] == 'worker' else 0)
            known = known and task['type'] in cluster
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = False
    if not known or not 0 <= index < max(1, len(addresses)):
        raise InputError(
            'TF_CONFIG: give {"cluster": {"worker": ["host:port", ...]}, '
            '"task": {"type": "worker", "index": 0}}'
        )
    return Workers(addresses, index) if len(addresses) > 1 else None


def wait_for_chief(workers, finished):
    """Wait until the chief has prepared the folder; return False if the training is finished.

    The chief starts its TensorFlow server only after that. The function `finished` tells whether
    the training was finished before.

    Raises:
        InputError: the chief does not answer.
    """
    address = workers.addresses[0]
    print(f'waiting for the chief at {address}', flush=True)
    deadline = time.monotonic() + CHIEF_TIMEOUT
    while not _listens(address):
        if finished():
            return False
        if time.monotonic() > deadline:
            raise InputError(f'{address}: cannot reach the chief; start it with its own TF_CONFIG')
        time.sleep(POLL_SECONDS)
    return True


class ExitWithOthers:
    """Exit if another worker dies; otherwise every later step would hang.

    Attributes:
        finishing: threading.Event; set it before this worker ends.
    """

    def __init__(self, workers):
        self.others = [a for i, a in enumerate(workers.addresses) if i != workers.index]
        self.finishing = threading.Event()
        threading.Thread(target=self._poll, daemon=True).start()

    def _poll(self):
        missed = dict.fromkeys(self.others, None)  # None: not seen yet, it may still be starting
        while not self.finishing.wait(POLL_SECONDS):
            for address in self.others:
                if _listens(address):
                    missed[address] = 0
                elif missed[address] is not None:
                    missed[address] += 1
                if missed[address] == MAX_MISSED_POLLS and not self.finishing.is_set():
                    print(
                        f'train.py: error: worker {address} died; start the same command '
                        'on all workers again to resume from the last checkpoint',
                        file=sys.stderr,
                        flush=True,
                    )
                    os._exit(2)  # TensorFlow's threads would wait forever for the dead worker


def _listens(address):
    host, port = address.rsplit(':', 1)
    try:
        with socket.create_connection((host, int(port)), timeout=POLL_SECONDS):
            return True
    except OSError:
        return False
