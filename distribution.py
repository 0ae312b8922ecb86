"""Training on more than one device: TensorFlow's strategies, and what they need here."""

from command_line import InputError
from tensorflow_setup import tf


def strategy(devices, batch_size):
    """Return the strategy that shares each batch out among the devices, None for one device.

    Args:
        devices: 'one' or 'all' (the GPUs; without any, the logical CPU devices).
        batch_size: images per step, over all devices.

    Raises:
        InputError: the batch cannot be shared out equally.
    """
    if devices == 'one':
        return None
    found = tf.config.list_logical_devices('GPU') or tf.config.list_logical_devices('CPU')
    if len(found) == 1:
        return None
    if batch_size % len(found):
        raise InputError(
            f'--batch-size {batch_size}: {len(found)} devices cannot have equal shares of it'
        )
    on_cpu = found[0].device_type == 'CPU'
    # The default way of adding gradients hangs on CPU devices in TensorFlow 2.15.1.
    adding = tf.distribute.ReductionToOneDevice() if on_cpu else None
    return tf.distribute.MirroredStrategy([device.name for device in found], adding)


def session_config(strategy):
    """Return the configuration of sessions that see all devices of a strategy; None without one."""
    if strategy is None:
        return None
    return tf.compat.v1.ConfigProto(
        allow_soft_placement=True,
        device_count={'CPU': len(tf.config.list_logical_devices('CPU'))},
    )
