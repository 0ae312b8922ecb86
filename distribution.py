"""Training on more than one device or machine: TensorFlow's strategies, and what they need here.

TF_CONFIG, TensorFlow's own environment variable, names the machines; every one of them runs the
same command and sees the same --checkpoints folder. The first one, the chief, prepares that
folder, writes the checkpoints and evaluates.
"""

import json
import os
import socket
import sys
import threading
import time
from typing import NamedTuple

from command_line import InputError
from tensorflow_setup import tf

WAIT = 600  # seconds for the chief to be ready
LOOK = 2  # seconds between two looks at the others
MISSES = 3  # in a row, until one counts as gone


class Cluster(NamedTuple):
    """The machines of a training, by TF_CONFIG."""

    addresses: list  # host:port of each, the chief's first
    index: int  # of this one

    @property
    def is_chief(self):
        """Whether this machine writes the checkpoints."""
        return self.index == 0


def cluster():
    """Return the Cluster that TF_CONFIG names, None for a single machine.

    Raises:
        InputError: TF_CONFIG is not a cluster of workers.
    """
    text = os.environ.get('TF_CONFIG')
    if not text:
        return None
    try:
        config = json.loads(text)
        machines, task = config['cluster'], config['task']
        chiefs = list(machines.get('chief', []))
        addresses = chiefs + list(machines['worker'])
        index = int(task['index']) + (len(chiefs) if task['type'] == 'worker' else 0)
        known = set(machines) <= {'chief', 'worker'} and task['type'] in machines
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known or not 0 <= index < len(addresses):
        raise InputError(
            'TF_CONFIG: give {"cluster": {"worker": ["host:port", ...]}, '
            '"task": {"type": "worker", "index": 0}}'
        )
    return Cluster(addresses, index) if len(addresses) > 1 else None


def strategy(devices, batch_size, machines):
    """Return the strategy that shares each batch out, None for one device.

    Args:
        devices: 'one' or 'all' (the GPUs; without any, the logical CPU devices).
        batch_size: images per step, over all devices and machines.
        machines: Cluster or None; with one, all GPUs of each machine take part.

    Raises:
        InputError: the batch cannot be shared out equally.
    """
    if machines:
        # The strategy waits for all machines, which all have to get as far as this.
        _check_shares(batch_size, len(machines.addresses))
        chosen = tf.distribute.MultiWorkerMirroredStrategy()
    elif devices == 'one':
        return None
    else:
        found = tf.config.list_logical_devices('GPU') or tf.config.list_logical_devices('CPU')
        if len(found) == 1:
            return None
        # The default way of adding gradients hangs on CPU devices in TensorFlow 2.15.1.
        adding = tf.distribute.ReductionToOneDevice() if found[0].device_type == 'CPU' else None
        chosen = tf.distribute.MirroredStrategy([device.name for device in found], adding)
    _check_shares(batch_size, chosen.num_replicas_in_sync)
    return chosen


def _check_shares(batch_size, devices):
    if batch_size % devices:
        raise InputError(
            f'--batch-size {batch_size}: {devices} devices cannot have equal shares of it'
        )


def session_config(chosen, machines):
    """Return the configuration of sessions that see all of one machine's devices, or None."""
    if chosen is None or machines:
        return None
    return tf.compat.v1.ConfigProto(
        allow_soft_placement=True,
        device_count={'CPU': len(tf.config.list_logical_devices('CPU'))},
    )


def wait_for_chief(machines, finished):
    """Wait until the chief has prepared the folder; return False if there is nothing to do.

    Its TensorFlow server listens from then on.

    Args:
        machines: Cluster.
        finished: function that tells whether the training has come to its end before.

    Raises:
        InputError: it does not answer.
    """
    address = machines.addresses[0]
    print(f'waiting for the chief at {address}', flush=True)
    until = time.monotonic() + WAIT
    while not _listens(address):
        if finished():
            return False
        if time.monotonic() > until:
            raise InputError(f'{address}: the chief does not answer; start it with its TF_CONFIG')
        time.sleep(LOOK)
    return True


class Watch:
    """Ends this process when another machine has gone: its part of a step would never come."""

    def __init__(self, machines):
        self.others = [a for i, a in enumerate(machines.addresses) if i != machines.index]
        self.over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self):
        missed = dict.fromkeys(self.others, None)  # None: not seen yet, it may still be starting
        while not self.over.wait(LOOK):
            for address in self.others:
                if _listens(address):
                    missed[address] = 0
                elif missed[address] is not None:
                    missed[address] += 1
                if missed[address] == MISSES and not self.over.is_set():
                    print(
                        f'train.py: error: {address}: this machine is gone; start the same '
                        'command on all machines again, they go on from the last checkpoint',
                        file=sys.stderr,
                        flush=True,
                    )
                    os._exit(2)  # TensorFlow's threads wait for the other one for ever


def _listens(address):
    host, port = address.rsplit(':', 1)
    try:
        with socket.create_connection((host, int(port)), timeout=LOOK):
            return True
    except OSError:
        return False
