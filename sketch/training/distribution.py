"""Training on more than one device or machine: TensorFlow's strategies, and what they need here.

TF_CONFIG, TensorFlow's own environment variable, names the machines; every one of them runs the
same command and sees the same --checkpoints folder. The first one, the chief, prepares that
folder, writes the checkpoints and evaluates.
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
from sketch.tensorflow_setup import tf

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

    TensorFlow's Estimator has no use for a cluster of one: what names it is taken away.

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
        known = known and all(isinstance(names, list) for names in machines.values())
        known = known and all(re.fullmatch(r'.+:\d+', address) for address in addresses)
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known or not 0 <= index < len(addresses):
        raise InputError(
            'TF_CONFIG: give {"cluster": {"worker": ["host:port", ...]}, '
            '"task": {"type": "worker", "index": 0}}'
        )
    if len(addresses) == 1:
        alone()
        return None
    return Cluster(addresses, index)


def alone():
    """Make the Estimators that come next this machine's own, whatever TF_CONFIG says."""
    os.environ.pop('TF_CONFIG', None)


def share(batch_size, devices, machines):
    """Return how many images of a batch each device gets.

    Args:
        batch_size: images per step, over all devices and machines.
        devices: 'one' or 'all' (the GPUs; without any, the logical CPU devices).
        machines: Cluster or None; with one, all GPUs of each machine take part, which are taken to
            be as many as here.

    Raises:
        InputError: the batch cannot be shared out equally.
    """
    count = 1
    if machines:
        count = len(machines.addresses) * max(1, len(tf.config.list_physical_devices('GPU')))
    elif devices == 'all':
        count = len(_devices())
    if batch_size % count:
        raise InputError(
            f'--batch-size {batch_size}: {count} devices cannot have equal shares of it'
        )
    return batch_size // count


def strategy(devices, machines):
    """Return the strategy that shares each batch out, None for one device; as for `share`."""
    if machines:
        # It waits for all machines, which all have to get as far as this.
        return tf.distribute.MultiWorkerMirroredStrategy()
    if devices == 'one' or len(_devices()) == 1:
        return None
    # The default way of adding gradients hangs on CPU devices in TensorFlow 2.15.1.
    on_cpu = _devices()[0].device_type == 'CPU'
    adding = tf.distribute.ReductionToOneDevice() if on_cpu else None
    return tf.distribute.MirroredStrategy([device.name for device in _devices()], adding)


def _devices():
    return tf.config.list_logical_devices('GPU') or tf.config.list_logical_devices('CPU')


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
