"""Checkpoint folders: their names, the settings beside each checkpoint, and opening them again."""

import dataclasses
import json
import re
from pathlib import Path

import n1
import n1_features
import n2
import n2_features
from sketch import atomic
from sketch.errors import InputError
from sketch.networks import network
from sketch.runs.names import TITLES, epochs_in, series
from sketch.tensorflow_setup import tf

NETWORKS = {'n1': n1, 'n2': n2}
FEATURES = {'n1': n1_features, 'n2': n2_features}
CONV_LAYERS = {8: 'n1', 17: 'n2'}
SETTINGS = 'settings.json'
TRIPLET_DEFAULTS = {'margin': 0.2, 'embedding_size': 128, 'drawings': 4}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run was trained with. None: not known (a checkpoint without settings)."""

    net: str  # n1 (skNet) or n2 (skResNet)
    filters: tuple  # skNet's four widths; () for skResNet
    classes: int
    epochs: float
    size: int = None  # pixels
    batch_size: int = None  # images
    learning_rate: float = network.LEARNING_RATE
    batch_norm_momentum: float = network.BATCH_NORM_MOMENTUM
    learning_rate_decay: float = 1.0  # factor per epoch
    augment: bool = False
    loss: str = network.CROSS_ENTROPY
    margin: float = 0.0  # this and the next two: of the triplet loss, 0 without it
    embedding_size: int = 0
    drawings: int = 0  # of each category in a batch; 0: any
    reestimated: bool = False  # moving statistics by reestimate.py
    seed: int = None
    deterministic: bool = False
    images: int = None  # training images
    categories: tuple = None  # names in label order
    dataset: str = None  # dataset.Dataset.digest

    @property
    def params(self):
        """What the model functions take as `params`."""
        return {
            'classes': self.classes,
            'filters': self.filters,
            'learning_rate': self.learning_rate,
            'learning_rate_decay': self.learning_rate_decay,
            'steps_per_epoch': self.images / self.batch_size if self.images else None,
            'batch_norm_momentum': self.batch_norm_momentum,
            'loss': self.loss,
            'margin': self.margin,
            'embedding_size': self.embedding_size,
        }

    @property
    def folder_name(self):
        """checkpoints_<net>_<epochs>e, with a mark for each setting that is not the paper's."""
        marks = ['checkpoints', self.net]
        if self.net == 'n1' and self.filters != n1.FILTERS:
            figure_1 = self.filters == n1.FIGURE_1_FILTERS
            marks.append('fig1' if figure_1 else 'filters' + '-'.join(map(str, self.filters)))
        if self.loss != network.CROSS_ENTROPY:
            marks.append(self.loss)
        triplets = TRIPLET_DEFAULTS if self.embedding_size else dict.fromkeys(TRIPLET_DEFAULTS, 0)
        for mark, value, usual in (
            ('margin', self.margin, triplets['margin']),
            ('embedding', self.embedding_size, triplets['embedding_size']),
            ('drawings', self.drawings, triplets['drawings']),
            ('batch', self.batch_size, 128),
            ('rate', self.learning_rate, network.LEARNING_RATE),
            ('decay', self.learning_rate_decay, 1),
            ('momentum', self.batch_norm_momentum, network.BATCH_NORM_MOMENTUM),
            ('seed', self.seed, 0),
        ):
            if value != usual:
                marks.append(f'{mark}{value:.15g}')
        for mark in ('augment', 'deterministic', 'reestimated'):
            if getattr(self, mark):
                marks.append(mark)
        return '_'.join([*marks, f'{self.epochs:g}e'])

    def differences(self, other):
        """Return 'name mine not theirs, ...' over all settings, '' if there are none."""
        return ', '.join(
            f'{field.name} {_short(getattr(self, field.name))} not '
            f'{_short(getattr(other, field.name))}'
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        )


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk, known to be whole and to fit a data set.

    Attributes:
        folder: Path; prefix: of its files, as TensorFlow names a checkpoint.
        settings: Settings, of the folder or as far as the variables tell.
        step: training steps taken.
    """

    folder: Path
    prefix: str
    settings: Settings
    step: int


def find(root):
    """Return the folders checkpoints_* in a folder that hold a checkpoint, by net and epochs.

    Raises:
        InputError: there is none.
    """
    folders = [path for path in Path(root).glob('checkpoints_*') if latest(path)]
    if not folders:
        raise InputError(f'{root}: no folder checkpoints_* with a checkpoint; run train.py first')
    return sorted(folders, key=lambda path: (series(path.name), epochs_in(path.name) or 0))


def latest(folder):
    """Return the prefix of a folder's newest checkpoint, None without one.

    Of what the `checkpoint` file names, only the last part counts: its paths may be those of
    another machine, or of the folder that this one is a copy of. Without it, the files decide.
    """
    folder = Path(folder)
    # One that lacks a file is among them: it is damaged, not absent.
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

    TensorFlow's own function writes absolute paths here; a renamed folder has to stay valid.
    """
    text = f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n'
    atomic.write_text(Path(folder) / 'checkpoint', text)


def step_of(prefix):
    """Return the step in a checkpoint's file name."""
    return int(str(prefix).rsplit('-', 1)[1])


def load_settings(folder):
    """Return the Settings beside a checkpoint, None if there are none.

    Raises:
        InputError: the file is damaged, or another version's.
    """
    path = Path(folder) / SETTINGS
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
        return Settings(**{**content, **lists})
    except FileNotFoundError:
        return None
    except TypeError:
        raise InputError(
            f'{path}: not the settings that this version knows; go back to the version that wrote '
            'them, or give another --checkpoints'
        ) from None
    except (ValueError, AttributeError):
        raise InputError(f'{path}: damaged; remove the folder and train again') from None


def open_checkpoint(folder, dataset):
    """Return the newest Checkpoint of a folder, after checking that it can run on a data set.

    Raises:
        InputError: no checkpoint, a damaged one, or one for other classes or images.
    """
    folder = Path(folder)
    prefix = latest(folder) if folder.is_dir() else None
    if prefix is None:
        raise InputError(f'{folder}: no checkpoint in it; name a folder that train.py made')
    shapes = read_shapes(prefix)
    settings = load_settings(folder) or _recognise(folder, prefix, shapes)
    for setting, name in (('classes', 'categories'), ('size', 'pixels a side')):
        mine, theirs = getattr(settings, setting), getattr(dataset, setting)
        if mine is not None and mine != theirs:
            raise InputError(f'{prefix}: for {mine} {name}, but {dataset.folder} has {theirs}')
    check_size(settings.net, dataset)
    _check_variables(prefix, shapes, settings, dataset)
    return Checkpoint(folder, prefix, settings, step_of(prefix))


def check_size(net, dataset):
    """Raise InputError if a data set's images are too small for a network."""
    smallest = NETWORKS[net].SMALLEST
    if dataset.size < smallest:
        raise InputError(
            f'{dataset.folder}: images of {dataset.size}x{dataset.size}, but {TITLES[net]} takes '
            f'{smallest}x{smallest} or larger; make the data set with a larger --size'
        )


def read_shapes(prefix):
    """Return the shape of every variable, having read each one to its end.

    Raises:
        InputError: a file of the checkpoint is missing, cut or altered.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
        for name in shapes:
            reader.get_tensor(name)
    # What TensorFlow raises depends on which byte of which file is damaged.
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f'{prefix}: damaged checkpoint ({reason}); train or fetch it again') from (
            None
        )
    return shapes


def _recognise(folder, prefix, shapes):
    """Return the Settings that variables alone can tell."""
    kernels = [name for name in shapes if re.fullmatch(r'ConvNet/conv2d(_\d+)?/kernel', name)]
    net = CONV_LAYERS.get(len(kernels))
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
    """Check the checkpoint's variables against those of the network on this data set's images."""
    with tf.Graph().as_default():
        images = tf.compat.v1.placeholder(tf.uint8, (None, dataset.size, dataset.size, 1))
        predict = tf.estimator.ModeKeys.PREDICT
        NETWORKS[settings.net].model_fn(images, None, predict, settings.params)
        for variable in tf.compat.v1.global_variables():
            wanted, found = variable.shape.as_list(), shapes.get(variable.op.name)
            if found != wanted:
                raise InputError(
                    f'{prefix}: {variable.op.name} is {found}, but {TITLES[settings.net]} on '
                    f'images of {dataset.size}x{dataset.size} has {wanted}'
                )


def _short(value):
    return f'{len(value)} names' if isinstance(value, tuple) and len(value) > 4 else value
