"""All defaults, and the settings of one training: its folder's name, its settings.json.

Importing this loads no TensorFlow.
"""

import dataclasses
import importlib
import math
from fractions import Fraction
from pathlib import Path

from sketch import atomic
from sketch.errors import InputError
from sketch.networks.registry import (
    CROSS_ENTROPY,
    FLOAT32,
    LOSSES,
    NETWORKS,
    PRECISIONS,
)
from sketch.runs import checksums
from sketch.runs.names import number_text

FILE = 'settings.json'  # in each checkpoint folder
VERSION = 2


class Default:
    """The default of every setting; the paper's, where it has one."""

    # The data set (section 2).
    classes = 100
    train = 1000  # images per category
    test = 50
    size = 128  # pixels
    # Training (section 3). The momentum is not in the paper: the author's code says 0.99, but
    # updates the moving statistics twice per step, which is 0.98 in effect.
    nets = tuple(net for net, network in NETWORKS.items() if network.figure)  # the paper's
    epochs = (10, 15, 20)  # of the published checkpoints
    batch_size = 128  # images
    learning_rate = 0.001
    batch_norm_momentum = 0.98  # per step
    seed = 0  # a training, a data set's choice and a search's examples each have their own
    precision = FLOAT32
    # The paper's open questions (section 4).
    loss = CROSS_ENTROPY
    margin = 0.2  # between squared distances of embeddings of length 1; as FaceNet
    embedding_size = 128  # values; as FaceNet
    images_per_class = 4  # in a batch for the triplet loss
    learning_rate_decay = 1.0  # factor per epoch: none
    # Retrieval (section 2).
    k = (49, 4999)  # the relevant images of a query, and all images
    distance = 'euclidean'
    threads = 4  # the paper's number
    # Search.
    top = 10
    queries = 8  # in a picture of examples
    # Precise batch norm.
    precise_bn_images = 1024


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run was trained with. None: unknown (a checkpoint without settings.json)."""

    net: str  # a name in registry.NETWORKS
    filters: tuple  # the network's widths; () if they are fixed
    classes: int
    epochs: float
    size: int = None  # pixels
    batch_size: int = None  # images
    learning_rate: float = Default.learning_rate
    batch_norm_momentum: float = Default.batch_norm_momentum
    learning_rate_decay: float = Default.learning_rate_decay
    augment: bool = False
    loss: str = Default.loss
    # These three count only with a triplet loss.
    margin: float = Default.margin
    embedding_size: int = Default.embedding_size
    images_per_class: int = Default.images_per_class
    precise_bn: bool = False  # moving statistics from tools/precise_bn.py
    seed: int = None  # of the initial weights and of the order of the images
    deterministic: bool = False
    precision: str = Default.precision  # one of registry.PRECISIONS
    images: int = None  # training images
    categories: tuple = None  # names in label order
    dataset: str = None  # dataset.Dataset.names_digest
    content: str = None  # dataset.Dataset.digest

    @property
    def network(self):
        """The network's module: n1, for example. It loads TensorFlow."""
        return importlib.import_module(self.net)

    @property
    def features(self):
        """The module of the network that ends at fc1: n1_features, for example."""
        return importlib.import_module(f'{self.net}_features')

    @property
    def has_triplets(self):
        """Whether the loss is a triplet loss, alone or beside cross-entropy."""
        return self.loss != CROSS_ENTROPY

    def step_after(self, epochs):
        """Return the step at which so many epochs end: floor(epochs * images / batch), at least 1.

        Zero epochs are zero steps: the untrained network. `epochs` is read as the decimal number
        that it is written as: 0.29 epochs of 100 images (batch 1) are 29 steps, not 28.
        """
        if epochs == 0:
            return 0
        return max(1, math.floor(Fraction(number_text(epochs)) * self.images / self.batch_size))

    def epochs_after(self, step):
        """Return the epochs that so many steps are, rounded down to 3 decimals (6 if below)."""
        thousandths = 1000 * step * self.batch_size // self.images
        return thousandths / 1000 or 1e6 * step * self.batch_size // self.images / 1e6

    @property
    def last_step(self):
        """The step at which the training ends."""
        return self.step_after(self.epochs)

    def is_finished(self, step):
        """Return whether so many steps finish the training; True if its length is unknown."""
        return not (self.images and self.batch_size) or step >= self.last_step

    @property
    def params(self):
        """The `params` of the model functions."""
        return {
            'classes': self.classes,
            'filters': self.filters,
            'learning_rate': self.learning_rate,
            'learning_rate_decay': self.learning_rate_decay,
            'steps_per_epoch': self.images / self.batch_size if self.images else None,
            'batch_norm_momentum': self.batch_norm_momentum,
            'loss': self.loss,
            'margin': self.margin,
            'embedding_size': self.embedding_size if self.has_triplets else 0,
            'precision': self.precision,
        }

    @property
    def folder_name(self):
        """checkpoints_<net>_<epochs>e, with a mark for each setting that is not the paper's."""
        marks, network = ['checkpoints', self.net], NETWORKS[self.net]
        if self.filters == network.figure_widths:
            marks.append(f'fig{network.figure}')
        elif self.filters != network.widths:
            marks.append('filters' + '-'.join(map(str, self.filters)))
        if self.has_triplets:
            marks.append(self.loss)
        for mark, value, default in (
            ('margin', self.margin, Default.margin),
            ('embedding', self.embedding_size, Default.embedding_size),
            ('images', self.images_per_class, Default.images_per_class),
            ('batch', self.batch_size, Default.batch_size),
            ('rate', self.learning_rate, Default.learning_rate),
            ('decay', self.learning_rate_decay, Default.learning_rate_decay),
            ('momentum', self.batch_norm_momentum, Default.batch_norm_momentum),
            ('seed', self.seed, Default.seed),
        ):
            if value != default:
                marks.append(f'{mark}{value:.15g}')
        marks += ['augment'] * self.augment
        marks += ['deterministic'] * self.deterministic
        marks += ['mixed'] * (self.precision != Default.precision)
        marks += ['precise-bn'] * self.precise_bn
        return '_'.join([*marks, f'{number_text(self.epochs)}e'])

    def differences(self, other):
        """Return 'name mine not theirs, ...' over all settings; '' if they are equal."""
        return ', '.join(
            f'{field.name} {_short(getattr(self, field.name))} not '
            f'{_short(getattr(other, field.name))}'
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        )


def save(folder, settings):
    """Write a folder's settings.json."""
    atomic.write_json(Path(folder) / FILE, {'version': VERSION, **dataclasses.asdict(settings)})


def load(folder):
    """Return the Settings in a folder's settings.json, None without the file.

    Raises:
        InputError: the file is corrupt, of another version, not as SHA256SUMS has it, or has a
            value that train.py never writes.
    """
    path = Path(folder) / FILE
    checksums.check(folder, [FILE])
    try:
        found = atomic.read_json(path)
        if found.pop('version', None) != VERSION:
            raise TypeError
        settings = Settings(**{k: tuple(v) if isinstance(v, list) else v for k, v in found.items()})
    except FileNotFoundError:
        return None
    except TypeError:
        raise InputError(
            f'{path}: not settings of this version; use the version that wrote them, or give '
            'another folder'
        ) from None
    except (ValueError, AttributeError):
        raise InputError(f'{path}: corrupt; remove the folder and train again') from None
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if not _is_valid(field, value):
            raise InputError(f'{path}: {field.name} cannot be {value!r}; correct it')
    names, widths = settings.categories, NETWORKS[settings.net].widths
    if names is not None and len(names) != settings.classes:
        raise InputError(f'{path}: {len(names)} categories, but {settings.classes} classes')
    if len(settings.filters) != len(widths) or (settings.images and not settings.batch_size):
        raise InputError(f'{path}: filters or batch_size are missing or too many; correct it')
    return settings


_COUNTS = ('classes', 'size', 'batch_size', 'images', 'embedding_size', 'images_per_class')
_BLOCKS = {len(network.widths) for network in NETWORKS.values()}
_NUMBERS = ('margin', 'learning_rate', 'learning_rate_decay')
_VALID = {
    **dict.fromkeys(_COUNTS, lambda value: 0 < value < 2**31),
    **dict.fromkeys(_NUMBERS, lambda value: 0 < value < 1e300),
    'net': NETWORKS.__contains__,
    'loss': LOSSES.__contains__,
    'precision': PRECISIONS.__contains__,
    'filters': lambda value: len(value) in _BLOCKS and all(_is_count(width) for width in value),
    'epochs': lambda value: 0 <= value < 1e6 and (value == 0) == (number_text(value) == '0'),
    'batch_norm_momentum': lambda value: 0 <= value < 1,
    'seed': lambda value: 0 <= value < 2**32,
    'categories': lambda value: all(isinstance(name, str) for name in value),
}


def _is_valid(field, value):
    """Return whether a value has the type and the range of its field."""
    if value is None:
        return field.default is None
    kinds = (int, float) if field.type is float else field.type
    right = isinstance(value, kinds) and (field.type is bool or not isinstance(value, bool))
    return right and _VALID.get(field.name, lambda _: True)(value)


def _is_count(value):
    return type(value) is int and 0 < value < 2**31  # not True


def _short(value):
    return f'{len(value)} names' if isinstance(value, tuple) and len(value) > 4 else value
