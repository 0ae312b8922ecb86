"""Divides each batch among devices or workers: TensorFlow's strategies and their settings."""

from sketch.backend.setup import tf
from sketch.errors import InputError


def images_per_device(batch_size, devices, workers):
    """Return how many images of a batch each device gets.

    Args:
        batch_size: images per step over all devices and workers.
        devices: 'one' or 'all' (the GPUs; without GPUs, the logical CPU devices).
        workers: None or Workers, which use all their GPUs and must have equally many.

    Raises:
        InputError: the batch cannot be divided equally.
    """
    count = 1
    if workers:
        count = len(workers.addresses) * max(1, len(tf.config.list_physical_devices('GPU')))
    elif devices == 'all':
        count = len(_devices())
    if batch_size % count:
        raise InputError(f'batch size {batch_size}: not divisible by {count} devices')
    return batch_size // count


def strategy(devices, workers):
    """Return the strategy that divides each batch, None for one device."""
    if workers:
        # Blocks until all workers reach this line.
        return tf.distribute.MultiWorkerMirroredStrategy()
    if devices == 'one' or len(_devices()) == 1:
        return None
    # On CPU devices TensorFlow's default way of adding gradients hangs.
    on_cpu = _devices()[0].device_type == 'CPU'
    adding = tf.distribute.ReductionToOneDevice() if on_cpu else None
    return tf.distribute.MirroredStrategy([device.name for device in _devices()], adding)


def session_config(chosen, workers):
    """Return the ConfigProto for several devices of one machine, None otherwise."""
    if chosen is None or workers:
        return None
    return tf.compat.v1.ConfigProto(
        allow_soft_placement=True,
        device_count={'CPU': len(tf.config.list_logical_devices('CPU'))},
    )


def _devices():
    return tf.config.list_logical_devices('GPU') or tf.config.list_logical_devices('CPU')
