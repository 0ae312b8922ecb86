"""Checkpoints on disk: find them, check them, and recognise those without settings."""

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketch import atomic
from sketch.errors import InputError
from sketch.networks.registry import CONV_LAYERS, SMALLEST, TITLES
from sketch.runs import settings as run_settings
from sketch.runs.names import canonical, epochs_in, series
from sketch.runs.settings import Settings
from sketch.tensorflow_setup import tf


class NotFiniteError(InputError):
    """A checkpoint with a variable that contains NaN or infinity."""


class Checkpoint(NamedTuple):
    """A checkpoint that is intact and fits a data set."""

    folder: Path
    prefix: str  # of its files, as TensorFlow names a checkpoint
    settings: Settings  # of the folder, or as far as the variables tell
    step: int  # training steps taken

    @property
    def run(self):
        """The name of its folder, as results.csv has it."""
        name = canonical(self.folder.resolve().name)
        # A folder of earlier versions is recorded under the name that it would have today.
        return self.settings.folder_name if name == self.settings.folder_name_before else name

    @property
    def title(self):
        """The line that introduces its measurements."""
        return f'{self.folder}: {TITLES[self.settings.net]}, step {self.step}'


def find(root):
    """Return the folders checkpoints_* in a folder that hold a checkpoint, by net and epochs.

    Raises:
        InputError: there is none.
    """
    folders = [path for path in Path(root).glob('checkpoints_*') if latest(path)]
    if not folders:
        raise InputError(f'{root}: no folder checkpoints_* with a checkpoint; run train.py first')
    return sorted(folders, key=lambda path: (series(path.name), epochs_in(path.name) or 0))


def most_trained(root):
    """Return the checkpoint folder with the most epochs; the arguments and errors are find's."""
    return max(find(root), key=lambda folder: epochs_in(folder.name) or -math.inf)


def latest(folder):
    """Return the prefix of a folder's newest checkpoint, None without one.

    The file `checkpoint` says which is newest. Only the last part of its paths counts: the folder
    may have been moved or copied. Without that file the step in the file names decides.
    """
    folder = Path(folder)
    # A checkpoint that lacks a file is corrupt, not absent: it counts here.
    names = {
        match.group(1)
        for path in folder.glob('*.ckpt-*')
        if (match := re.fullmatch(r'(.+\.ckpt-\d+)\.(index|data-\d+-of-\d+)', path.name))
    }
    try:
        state = tf.train.get_checkpoint_state(str(folder)) if names else None
    except ValueError:  # an empty file
        state = None
    name = Path(state.model_checkpoint_path).name if state else None
    if name not in names:
        name = max(names, key=step_of, default=None)
    return str(folder / name) if name else None


def name_latest(folder, name):
    """Make `name` the one checkpoint that TensorFlow sees in a folder.

    TensorFlow's own function writes absolute paths; a moved folder must stay valid.
    """
    text = f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n'
    atomic.write_text(Path(folder) / 'checkpoint', text)


def step_of(prefix):
    """Return the step in a checkpoint's file name."""
    return int(str(prefix).rsplit('-', 1)[1])


def open_checkpoint(folder, dataset):
    """Return the newest Checkpoint of a folder, after checking that it fits a data set.

    Raises:
        InputError: no checkpoint, a corrupt one, or one for other classes or images.
    """
    folder = Path(folder)
    prefix = latest(folder) if folder.is_dir() else None
    if prefix is None:
        raise InputError(f'{folder}: no checkpoint in it; name a folder that train.py made')
    try:
        shapes = read_shapes(prefix)
    except InputError as error:
        raise InputError(f'{error}; train or fetch it again') from None
    settings = run_settings.load(folder) or _recognise(folder, prefix, shapes)
    for setting, name in (('classes', 'categories'), ('size', 'pixels a side')):
        mine, theirs = getattr(settings, setting), getattr(dataset, setting)
        if mine is not None and mine != theirs:
            raise InputError(f'{prefix}: made for {mine} {name}, but {dataset.folder} has {theirs}')
    check_size(settings.net, dataset)
    _check_variables(prefix, shapes, settings, dataset)
    return Checkpoint(folder, prefix, settings, step_of(prefix))


def check_size(net, dataset):
    """Raise InputError if a data set's images are too small for a network."""
    if dataset.size < SMALLEST[net]:
        raise InputError(
            f'{dataset.folder}: images of {dataset.size}x{dataset.size}, but {TITLES[net]} takes '
            f'{SMALLEST[net]}x{SMALLEST[net]} or larger; make the data set with a larger --size'
        )


def read_shapes(prefix):
    """Read every variable of a checkpoint to its end; return {name: shape}.

    Raises:
        InputError: a file of the checkpoint is missing, cut or altered.
        NotFiniteError: a variable contains NaN or infinity. ReLU would hide a NaN: an evaluation
            would give plausible numbers.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
        broken = [name for name in sorted(shapes) if not _is_finite(reader.get_tensor(name))]
    # TensorFlow raises one or the other, depending on which byte of which file is wrong.
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f'{prefix}: corrupt checkpoint ({reason})') from None
    if broken:
        raise NotFiniteError(f'{prefix}: {broken[0]} contains NaN or infinity')
    return shapes


def _is_finite(value):
    return not np.issubdtype(value.dtype, np.floating) or bool(np.isfinite(value).all())


def _recognise(folder, prefix, shapes):
    """Return the Settings that can be derived from the variables alone."""
    kernels = [name for name in shapes if re.fullmatch(r'ConvNet/conv2d(_\d+)?/kernel', name)]
    net = {count: net for net, count in CONV_LAYERS.items()}.get(len(kernels))
    if net is None or 'ConvNet/dense_1/bias' not in shapes:
        raise InputError(
            f'{prefix}: neither skNet nor skResNet ({len(kernels)} convolutional layers named '
            'ConvNet/conv2d...)'
        )
    first_of_block = ('conv2d', 'conv2d_2', 'conv2d_4', 'conv2d_6')
    filters = tuple(shapes[f'ConvNet/{name}/kernel'][-1] for name in first_of_block)
    return Settings(
        net=net,
        filters=filters if net == 'n1' else (),
        classes=shapes['ConvNet/dense_1/bias'][0],
        epochs=epochs_in(folder.resolve().name),
    )


def _check_variables(prefix, shapes, settings, dataset):
    """Check the checkpoint's variables against those of its network on this data set's images."""
    with tf.Graph().as_default():
        images = tf.compat.v1.placeholder(tf.uint8, (None, dataset.size, dataset.size, 1))
        predict = tf.estimator.ModeKeys.PREDICT
        settings.network.model_fn(images, None, predict, settings.params)
        for variable in tf.compat.v1.global_variables():
            expected, found = variable.shape.as_list(), shapes.get(variable.op.name)
            if found != expected:
                raise InputError(
                    f'{prefix}: {variable.op.name} is {found or "missing"}, but '
                    f'{TITLES[settings.net]} on images of {dataset.size}x{dataset.size} has '
                    f'{expected}'
                )
