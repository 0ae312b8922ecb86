"""The command line that scripts share: argument types, flags, help, and exit statuses."""

import argparse
import codecs
import os
import signal
import sys
from pathlib import Path

from sketch import atomic
from sketch.errors import InputError, Interrupted
from sketch.networks.registry import NETWORKS
from sketch.runs import folders
from sketch.runs.names import number_text
from sketch.runs.settings import Default

# The values of --measure, and the splits of the data set that they stand for.
SPLITS = {'train': ('train',), 'test': ('test',), 'both': ('train', 'test')}


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Shows defaults as one writes them on the command line, and values as their type is called."""

    def _get_default_metavar_for_optional(self, action):
        metavar = getattr(action.type, 'metavar', None)
        return metavar or super()._get_default_metavar_for_optional(action)

    def _get_help_string(self, action):
        default = action.default
        words = list(default) if isinstance(default, (list, tuple)) else [default]
        if not words or default is None or default is False or default == argparse.SUPPRESS:
            return action.help
        return f'{action.help} (default: {" ".join(map(str, words)).replace("%", "%%")})'


class _Parser(argparse.ArgumentParser):
    """Raises InputError where argparse prints its usage and exits."""

    def error(self, message):
        raise InputError(f'{message}; see --help')


def parser(module_doc):
    """Return a parser that shows a script's docstring and all defaults.

    Its parse_args raises InputError for a command line that is wrong.
    """
    return _Parser(prog=program_name(), description=module_doc, formatter_class=_Formatter)


def path(text):
    """Argument type: a Path. `~` is the home folder: no shell replaces that of --out=~/x."""
    return Path(os.path.expanduser(text))


def _argument_type(convert, is_valid, what, metavar):
    """Return an argument type: what `convert` makes of the text, if that is valid.

    Args:
        convert: function of the text; it may raise ValueError.
        is_valid: function of the value.
        what: a value has to be, in the error.
        metavar: how --help calls a value.
    """

    def argument(text):
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not is_valid(value):
            raise argparse.ArgumentTypeError(f'{text} is not {what}')
        return value

    argument.metavar = metavar
    return argument


def _epochs(text):
    """Return a number of epochs, to the decimals that a folder's name shows: 0 is untrained."""
    given = float(text)
    named = float(number_text(given))
    if given and not named:
        raise ValueError  # it would have the name of 0 epochs
    return named + 0.0  # not -0


positive_int = _argument_type(int, lambda n: 1 <= n < 2**31, 'a whole number of at least 1', 'N')
natural_int = _argument_type(int, lambda n: 0 <= n < 2**63, 'a whole number of at least 0', 'N')
# What TensorFlow accepts.
seed = _argument_type(int, lambda n: 0 <= n < 2**32, f'a whole number from 0 to {2**32 - 1}', 'N')
epoch_count = _argument_type(_epochs, lambda x: 0 <= x < 1e6, 'a number of epochs', 'E')
port = _argument_type(int, lambda n: 0 <= n < 2**16, 'a port, 0 to 65535', 'N')
above_0 = _argument_type(float, lambda x: 0 < x < 1e300, 'a number above 0', 'X')
below_1 = _argument_type(float, lambda x: 0 <= x < 1, 'a number from 0 up to below 1', 'X')
output_folder = _argument_type(
    path, atomic.receives_files, 'a folder that can be written to', 'FOLDER'
)


def net(text):
    """Argument type: a network by its module (n1) or name (skNet), in upper or lower case."""
    names = {network.title.lower(): name for name, network in NETWORKS.items()}
    return names.get(text.lower(), text.lower())


def default_of(flag):
    """Return the default that Default has by a flag's name."""
    return getattr(Default, flag.removeprefix('--').replace('-', '_'))


def add_setting(arguments, flag, **options):
    """Add a flag with the default of its name."""
    arguments.add_argument(flag, default=default_of(flag), **options)


def add_data(arguments):
    """Add --data, the folder that create_dataset.py filled."""
    arguments.add_argument(
        '--data',
        type=path,
        default=Path('.'),
        metavar='FOLDER',
        help='data set: a folder that create_dataset.py filled',
    )


def add_checkpoints(arguments):
    """Add the checkpoint folders to work on, and where to look for them if none is named."""
    arguments.add_argument(
        '--checkpoints',
        type=path,
        default=Path('.'),
        metavar='FOLDER',
        help='where to look for checkpoint folders if none is named',
    )
    arguments.add_argument(
        'folders',
        nargs='*',
        type=path,
        metavar='CHECKPOINT_FOLDER',
        help='checkpoint folders, or names in weights/; without any, every checkpoints_* in '
        '--checkpoints',
    )
    add_unfinished(arguments)


def add_checkpoint(arguments):
    """Add --checkpoint, the one folder to work on."""
    arguments.add_argument(
        '--checkpoint',
        type=path,
        metavar='FOLDER',
        help='checkpoint folder, or a name in weights/; without it, the one in the current folder '
        'with the most epochs',
    )
    add_unfinished(arguments)


def add_unfinished(arguments):
    """Add --unfinished, which takes unfinished trainings, too."""
    arguments.add_argument(
        '--unfinished',
        action='store_true',
        help='include interrupted and running trainings, with the epochs reached so far',
    )


def add_results(arguments):
    """Add --results, the table of measurements."""
    arguments.add_argument(
        '--results',
        type=path,
        default=Path('results.csv'),
        metavar='FILE',
        help='CSV table of measurements',
    )


def add_k(arguments):
    """Add --k, how many ranks count. Words that argparse gives it: see k_and_folders."""
    arguments.add_argument(
        '--k',
        nargs='+',
        default=[],
        metavar='K',
        help='ranks that count: integers, or `all` for images - 1 '
        f'(default: {" ".join(map(str, Default.k))})',
    )


def k_and_folders(words):
    """Return what was meant for --k, and the Paths of folders that argparse gave it as well.

    Raises:
        InputError: a word is neither, or there are only folders.
    """
    ks = [word for word in words if word == 'all' or word.isdecimal()]
    others = [word for word in words if word not in ks]
    for word in others:
        if not folders.located(path(word)).is_dir():
            raise InputError(f'--k {word}: neither a number, nor `all`, nor a checkpoint folder')
    if words and not ks:
        raise InputError('--k: give numbers or `all`')
    return ks, [path(word) for word in others]


def choose_k(asked, images):
    """Return the k to compute, as a sorted list of integers.

    Args:
        asked: of --k: numbers as text, or `all` for images - 1. If empty, the paper's two k; one
            that is too large is skipped and reported; if both are, images - 1.
        images: in the test set.

    Raises:
        InputError: a k that was asked for is out of range.
    """
    largest = images - 1
    if not asked:
        for k in Default.k:
            if k > largest:
                print(f'k = {k} skipped: with {images} test images the largest k is {largest}')
        return [k for k in Default.k if k <= largest] or [largest]
    chosen = [largest if k == 'all' else int(k) for k in asked]
    for k in chosen:
        if not 1 <= k <= largest:
            raise InputError(f'--k {k}: with {images} test images k is 1 to {largest}, or `all`')
    return sorted(set(chosen))


def add_measure(arguments):
    """Add --measure, the sets whose accuracy is measured: a key of SPLITS."""
    arguments.add_argument(
        '--measure', choices=SPLITS, default='both', help='sets to measure accuracy on'
    )


def run(main):
    """Call main() and end the process.

    The exit status is 0; 2, with one line, for invalid input; 128 + its number for a signal, as in
    a shell: 130 for Ctrl-C, 143 for SIGTERM.
    """
    codecs.register_error('as_bytes_or_escapes', _as_bytes_or_escapes)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='as_bytes_or_escapes')
    try:
        main()
    except InputError as error:
        _exit(f'error: {error}', 2)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        named = isinstance(error.filename, (str, bytes, os.PathLike))
        place = f'{os.fsdecode(error.filename)}: ' if named else ''
        _exit(f'error: {place}{error.strerror or error}', 2)
    except Interrupted as stopped:
        _exit(stopped, 128 + stopped.number)
    except KeyboardInterrupt:
        _exit('interrupted', 130)


def _as_bytes_or_escapes(error):
    """Encode what a terminal cannot show: bytes of a path as they are, characters as escapes."""
    encoded = [
        bytes([ord(character) - 0xDC00])
        if '\udc80' <= character <= '\udcff'
        else character.encode('ascii', 'backslashreplace')
        for character in error.object[error.start : error.end]
    ]
    return b''.join(encoded), error.end


def program_name():
    """Return the name of the running program: mAP.py, or python -m tools.precise_bn."""
    spec = sys.modules['__main__'].__spec__
    name = spec and spec.name.removesuffix('.__main__')
    return f'python -m {name}' if spec else Path(sys.argv[0]).name


def _exit(message, status):
    print(f'{program_name()}: {message}', file=sys.stderr)
    sys.exit(status)
