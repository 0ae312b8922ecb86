"""Checkpoints: opened, checked, and recognised without settings."""

import atexit
import contextlib
import dataclasses
import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketch import atomic
from sketch.backend.patterns import literal
from sketch.backend.setup import tf
from sketch.errors import InputError
from sketch.networks.registry import NETWORKS, TRIPLET
from sketch.runs import checksums, folders, training_images
from sketch.runs import settings as run_settings
from sketch.runs.names import epochs_in, number_text, printable
from sketch.runs.settings import Settings


class NotFiniteError(InputError):
    """A checkpoint with a variable that contains NaN or infinity."""


class Checkpoint(NamedTuple):
    """A checkpoint that is intact and fits a data set."""

    folder: Path
    prefix: str  # of its files, as TensorFlow names a checkpoint
    settings: Settings  # of the folder, or as far as the variables tell
    step: int  # training steps taken
    run: str  # the name of its folder, as results.csv has it
    weights: str  # digest of the variables of inference, 12 hexadecimal digits
    trained_on: np.ndarray  # of training_images.load

    def seen(self, split):
        """Return how many images of a dataset.Split it was trained on, None if unknown."""
        if self.trained_on is None:
            return None
        return int(np.isin(split.pixels, self.trained_on).sum())

    def lacks_classes(self, dataset):
        """Return why it does not tell a data set's categories apart, None if it may.

        Its feature vectors need no classes.
        """
        if self.settings.loss == TRIPLET:
            return 'with the triplet loss alone the classifier is not trained'
        if self.settings.classes != dataset.classes:
            theirs = f'{dataset.folder} has {dataset.classes} categories'
            return f'the network has {self.settings.classes} classes, but {theirs}'
        if set(self.settings.categories or dataset.categories) != set(dataset.categories):
            return f'the network was trained on other categories than those of {dataset.folder}'
        return None

    @property
    def title(self):
        """The line that introduces its measurements."""
        return f'{self.folder}: {NETWORKS[self.settings.net].title}, step {self.step}'


class ImageSize(NamedTuple):
    """What a checkpoint is checked against if no data set is at hand."""

    folder: Path  # of the checkpoint
    size: int


def open_checkpoint(folder, dataset=None):
    """Return the latest Checkpoint of a folder, after checking that it fits a data set.

    The settings of an unfinished training have the epochs reached so far, to 3 decimals.

    Args:
        folder: of the checkpoint.
        dataset: dataset.Dataset; None for images of the size in its settings, or of the paper's.

    Raises:
        InputError: no checkpoint, a corrupt one, one for images of another size, settings that
            contradict what is beside them, or a checkpoint that a running training has removed.
    """
    folder = Path(folder)
    prefix = folders.require_latest(folder)
    own = [path.name for path in folders.files(prefix)]
    checksums.check(folder, [*own, training_images.FILE])
    found, step = run_settings.load(folder), folders.step_of(prefix)
    read, remedy = prefix, 'train or fetch it again'
    if found is not None and not found.is_finished(step):
        read, remedy = _copied(prefix), f'try again if a training is running, else {remedy}'
    try:
        variables = read_variables(read)
    except InputError as error:
        raise InputError(f'{error}; {remedy}'.replace(read, prefix)) from None
    settings = found or _recognise(folder, prefix, variables)
    if dataset is None:
        dataset = ImageSize(folder, settings.size or run_settings.Default.size)
    if settings.size not in (None, dataset.size):
        sizes = f'{settings.size} pixels a side, but {dataset.folder} has {dataset.size}'
        raise InputError(f'{prefix}: made for {sizes}; give another data set')
    check_size(settings.net, dataset)
    _check_variables(prefix, variables, settings, dataset)
    run, weights = printable(folder.resolve().name), weights_digest(read)
    # Pixels of another size have other hashes: of an unknown size, none would seem to be known.
    trained_on = training_images.load(folder) if settings.size else None
    _check_settings(folder, settings, step, trained_on, dataset)
    if not settings.is_finished(step):
        settings = dataclasses.replace(settings, epochs=settings.epochs_after(step))
    opened = Checkpoint(folder, read, settings, step, run, weights, trained_on)
    _report_seen(opened, dataset)
    return opened


def _check_settings(folder, settings, step, trained_on, dataset):
    """Raise InputError if settings contradict a folder's name, its other files or a data set."""
    named, epochs = epochs_in(folder.resolve().name), number_text(settings.epochs or 0)
    images = settings.images
    swapped = (
        settings.content is not None
        and settings.content == getattr(dataset, 'digest', None)
        and settings.categories != dataset.categories
        and sorted(settings.categories or ()) == sorted(dataset.categories)
    )
    contradiction = None
    if images and named is not None and number_text(named) != epochs:
        contradiction = f'{epochs} epochs, but the name of the folder says {number_text(named)}'
    # Epochs of an unfinished run are rounded down, and their last step once more.
    elif images and step > settings.last_step and settings.epochs_after(step) > settings.epochs:
        contradiction = (
            f'{epochs} epochs of {images} images in batches of {settings.batch_size} are '
            f'{settings.last_step} steps, but the checkpoint has {step}'
        )
    elif images and trained_on is not None and len(trained_on) != images:
        contradiction = f'{images} images, but {training_images.FILE} has {len(trained_on)}'
    elif swapped:
        contradiction = f'its images are those of {dataset.folder}, its order of categories is not'
    if contradiction:
        raise InputError(
            f'{folder / run_settings.FILE}: {contradiction}; restore what was changed or renamed'
        )


def is_of_inference(name):
    """Return whether a variable decides what a network gives, and is not the optimizer's."""
    return name.startswith('ConvNet/') and '/Adam' not in name


def weights_digest(prefix):
    """Return the digest of a checkpoint's variables of inference: a published copy has the same."""
    digest = hashlib.sha256()
    try:
        reader = tf.train.load_checkpoint(literal(prefix))
        for name, shape in sorted(reader.get_variable_to_shape_map().items()):
            if is_of_inference(name):
                value = reader.get_tensor(name)
                digest.update(f'{name} {shape} {value.dtype}\n'.encode() + value.tobytes())
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError):
        raise InputError(f'{prefix}: changed while it was read; try again') from None
    return digest.hexdigest()[:12]


def _report_seen(checkpoint, dataset):
    """Print a line for test images that it was trained on, or training images that it was not."""
    train, test = (getattr(dataset, name, None) for name in ('train', 'test'))
    if test and (seen := checkpoint.seen(test)):
        images = f'{seen} of the {len(test)} test images of {dataset.folder}'
        print(f'{checkpoint.folder}: was trained on {images}')
    if train and (seen := checkpoint.seen(train)) not in (None, len(train)):
        images = f'{len(train) - seen} of the {len(train)} training images of {dataset.folder}'
        print(f'{checkpoint.folder}: was not trained on {images}')


def _copied(prefix):
    """Copy a checkpoint to where a training that is still running does not delete it."""
    with atomic.room_for_temporary_files():
        place = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):  # it is being deleted: the copy is corrupt
            for file in folders.files(prefix):
                shutil.copy(file, place)
    return str(Path(place) / Path(prefix).name)


def check_size(net, dataset):
    """Raise InputError if a data set's images are too small for a network."""
    network = NETWORKS[net]
    if dataset.size < network.smallest:
        raise InputError(
            f'{dataset.folder}: images of {dataset.size}x{dataset.size}, but {network.title} takes '
            f'{network.smallest}x{network.smallest} or larger; make the data set with larger '
            'ones'
        )


def read_variables(prefix):
    """Read every variable of a checkpoint to its end; return {name: tf.TensorSpec}.

    Raises:
        InputError: a file of the checkpoint is missing, cut or altered.
        NotFiniteError: a variable contains NaN or infinity. ReLU would hide a NaN: an evaluation
            would give plausible numbers.
    """
    try:
        reader = tf.train.load_checkpoint(literal(prefix))
        shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        broken = [name for name in sorted(shapes) if not _is_finite(reader.get_tensor(name))]
    # TensorFlow raises one or the other, depending on which byte of which file is wrong.
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f'{prefix}: corrupt checkpoint ({reason})') from None
    if broken:
        raise NotFiniteError(f'{prefix}: {broken[0]} contains NaN or infinity')
    return {name: tf.TensorSpec(shape, dtypes[name]) for name, shape in shapes.items()}


def _is_finite(value):
    return not np.issubdtype(value.dtype, np.floating) or bool(np.isfinite(value).all())


def _recognise(folder, prefix, variables):
    """Return the Settings that can be derived from the variables alone."""
    kernels = [name for name in variables if re.fullmatch(r'ConvNet/conv2d(_\d+)?/kernel', name)]
    kernels.sort(key=lambda name: (len(name), name))  # conv2d_10 after conv2d_9
    nets = [net for net, network in NETWORKS.items() if network.conv_layers == len(kernels)]
    if not nets or 'ConvNet/dense_1/bias' not in variables:
        titles = ' nor '.join(network.title for network in NETWORKS.values())
        raise InputError(
            f'{prefix}: neither {titles} ({len(kernels)} convolutional layers named '
            'ConvNet/conv2d...)'
        )
    if len(nets) > 1:
        titles = ' or '.join(NETWORKS[net].title for net in nets)
        raise InputError(
            f'{prefix}: {titles}? Without {run_settings.FILE} networks of {len(kernels)} '
            'convolutional layers look alike; add the one of its training'
        )
    blocks = len(NETWORKS[nets[0]].widths)
    first_of_block = [kernels[block * len(kernels) // blocks] for block in range(blocks)]
    return Settings(
        net=nets[0],
        filters=tuple(variables[name].shape[-1] for name in first_of_block),
        classes=variables['ConvNet/dense_1/bias'].shape[0],
        epochs=epochs_in(folder.resolve().name),
    )


def _check_variables(prefix, variables, settings, dataset):
    """Check the checkpoint's variables against those of its network on this data set's images."""
    for name, expected in _variables_of(settings, dataset.size).items():
        found = variables.get(name)
        if found != expected:
            has = found and f'{found.dtype.name} {found.shape.as_list()}'
            raise InputError(
                f'{prefix}: {name} is {has or "missing"}, but '
                f'{NETWORKS[settings.net].title} on images of {dataset.size}x{dataset.size} has '
                f'{expected.dtype.name} {expected.shape.as_list()}'
            )


def _variables_of(settings, size):
    """Return the variables of a network on images of a size: {name: tf.TensorSpec}."""
    found = {}

    def record(getter, name, shape, dtype, **options):
        found[name] = tf.TensorSpec(shape, dtype)
        return tf.compat.v1.placeholder(dtype, shape)  # a variable would take 4 times as long

    with tf.Graph().as_default(), tf.compat.v1.variable_scope('', custom_getter=record):
        tf.compat.v1.train.get_or_create_global_step()
        images = tf.compat.v1.placeholder(tf.uint8, (None, size, size, 1))
        predict = tf.estimator.ModeKeys.PREDICT
        settings.network.model_fn(images, None, predict, settings.params)
    return found
