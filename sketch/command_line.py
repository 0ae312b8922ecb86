"""The command line that scripts share: argument types, flags, help, and exit statuses."""

import argparse
import math
import os
import signal
import sys
from pathlib import Path

from sketch.errors import InputError, Interrupted

# The values of --measure, and the splits of the data set that they stand for.
SPLITS = {'train': ('train',), 'test': ('test',), 'both': ('train', 'test')}


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Shows defaults as one writes them on the command line."""

    def _get_help_string(self, action):
        default = action.default
        words = list(default) if isinstance(default, (list, tuple)) else [default]
        if not words or default is None or default is False or default == argparse.SUPPRESS:
            return action.help
        return f'{action.help} (default: {" ".join(map(str, words)).replace("%", "%%")})'


def parser(module_doc):
    """Return an ArgumentParser that shows a script's docstring and all defaults."""
    return argparse.ArgumentParser(
        prog=program_name(),
        description=module_doc,
        formatter_class=_Formatter,
    )


def positive_int(text):
    """Argument type: a whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not a whole number of at least 1')
    return value


def natural_int(text):
    """Argument type: a whole number of at least 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'{text} is negative')
    return value


def seed(text):
    """Argument type: a seed that TensorFlow accepts, 0 to 2**32 - 1."""
    value = int(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f'{text} is not in 0 to {2**32 - 1}')
    return value


def epoch_count(text):
    """Argument type: a decimal number of epochs; 0 is the untrained network."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'{text} is not a number of epochs')
    return value


def above_0(text):
    """Argument type: a number above 0."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'{text} is not a number above 0')
    return value


def below_1(text):
    """Argument type: a number from 0 up to, not including, 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not from 0 up to below 1')
    return value


def add_data(arguments):
    """Add --data, the folder that create_dataset.py filled."""
    arguments.add_argument(
        '--data',
        type=Path,
        default=Path('.'),
        metavar='FOLDER',
        help='data set: a folder that create_dataset.py filled',
    )


def add_checkpoints(arguments):
    """Add the checkpoint folders to work on, and where to look for them if none is named."""
    arguments.add_argument(
        '--checkpoints',
        type=Path,
        default=Path('.'),
        metavar='FOLDER',
        help='where to look for checkpoint folders if none is named',
    )
    arguments.add_argument(
        'folders',
        nargs='*',
        type=Path,
        metavar='CHECKPOINT_FOLDER',
        help='checkpoint folders; without any, every checkpoints_* in --checkpoints',
    )
    add_unfinished(arguments)


def add_unfinished(arguments):
    """Add --unfinished, which takes interrupted trainings, too."""
    arguments.add_argument(
        '--unfinished',
        action='store_true',
        help='take interrupted trainings, too, as the epochs that they really have',
    )


def add_results(arguments):
    """Add --results, the table of measurements."""
    arguments.add_argument(
        '--results',
        type=Path,
        default=Path('results.csv'),
        metavar='FILE',
        help='CSV table of measurements',
    )


def add_measure(arguments):
    """Add --measure, the sets whose accuracy is measured: a key of SPLITS."""
    arguments.add_argument(
        '--measure', choices=SPLITS, default='both', help='sets to measure accuracy on'
    )


def add_renamed(arguments, old, new, **options):
    """Accept a flag's old name: hidden from --help, it prints a note with the new name."""
    dest = new.lstrip('-').replace('-', '_')

    class Renamed(argparse.Action):
        def __call__(self, parser, namespace, values, option_string=None):
            print(f'{program_name()}: note: {old} is now {new}', file=sys.stderr)
            setattr(namespace, dest, values)

    arguments.add_argument(
        old, action=Renamed, dest=dest, default=argparse.SUPPRESS, help=argparse.SUPPRESS, **options
    )


def run(main):
    """Call main() and end the process.

    The exit status is 0; 2, with one line, for invalid input; 128 + its number for a signal, as in
    a shell: 130 for Ctrl-C, 143 for SIGTERM.
    """
    for stream in (sys.stdout, sys.stderr):
        # A path may have bytes that are not UTF-8: they are printed as they are.
        stream.reconfigure(errors='surrogateescape')
    try:
        main()
    except InputError as error:
        fail(error, 2)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        place = f'{os.fspath(error.filename)}: ' if error.filename is not None else ''
        fail(f'{place}{error.strerror or error}', 2)
    except Interrupted as stopped:
        fail(stopped, 128 + stopped.number)
    except KeyboardInterrupt:
        fail('interrupted', 130)


def program_name():
    """Return the name of the running program: mAP.py, or python -m tools.precise_bn."""
    spec = sys.modules['__main__'].__spec__
    return f'python -m {spec.name}' if spec else Path(sys.argv[0]).name


def fail(message, status):
    """Print one line on standard error and exit."""
    print(f'{program_name()}: error: {message}', file=sys.stderr)
    sys.exit(status)
