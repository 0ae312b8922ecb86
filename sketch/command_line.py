"""What every script's command line shares: argument types, and errors told in one line."""

import argparse
import math
import os
import sys
from pathlib import Path

from sketch.errors import InputError, Interrupted

# What --measure takes, and the splits of the data set that it stands for.
SPLITS = {'train': ('train',), 'test': ('test',), 'both': ('train', 'test')}


def parser(module_doc):
    """Return an ArgumentParser that shows a script's docstring and every default."""

    class Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
        def _get_help_string(self, action):
            return action.help if action.default is None else super()._get_help_string(action)

    return argparse.ArgumentParser(description=module_doc, formatter_class=Formatter)


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
    """Argument type: what TensorFlow takes as a seed, 0 to 2**32 - 1."""
    value = int(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f'{text} is not in 0 to {2**32 - 1}')
    return value


def epoch_count(text):
    """Argument type: a decimal number of epochs, 0 for the untrained network."""
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
        raise argparse.ArgumentTypeError(f'{text} is not in [0, 1)')
    return value


def add_data(arguments):
    """Add --data, the folder that create_dataset.py filled."""
    arguments.add_argument(
        '--data', type=Path, default=Path('.'), help='folder that holds training/ and testing/'
    )


def add_checkpoints(arguments):
    """Add the checkpoint folders to work on, and where to look without any."""
    arguments.add_argument(
        '--checkpoints',
        type=Path,
        default=Path('.'),
        help='where to look for checkpoint folders if none is named',
    )
    arguments.add_argument(
        'folders', nargs='*', type=Path, metavar='CHECKPOINT_FOLDER', help='all found if none'
    )


def add_results(arguments):
    """Add --results, the table of measurements."""
    arguments.add_argument(
        '--results', type=Path, default=Path('results.csv'), help='CSV table of measurements'
    )


def add_measure(arguments):
    """Add --measure, the sets whose accuracy to take: a key of SPLITS."""
    arguments.add_argument('--measure', choices=SPLITS, default='both', help='sets to evaluate on')


def run(main):
    """Call main() and end the process.

    The status is 0; 2, with one line, for bad input; 128 + its number for a signal, as shells have
    it: 130 for Ctrl-C, 143 for SIGTERM.
    """
    program = program_name()
    try:
        main()
    except InputError as error:
        fail(program, error, 2)
    except OSError as error:
        place = f'{os.fspath(error.filename)}: ' if error.filename is not None else ''
        fail(program, f'{place}{error.strerror or error}', 2)
    except Interrupted as stopped:
        fail(program, stopped, 128 + stopped.number)
    except KeyboardInterrupt:
        fail(program, 'interrupted', 130)


def program_name():
    """Return what the running program is called: mAP.py, or tools.precise_bn for a module."""
    spec = sys.modules['__main__'].__spec__
    return spec.name if spec else Path(sys.argv[0]).name


def fail(program, message, status):
    """Print one line on standard error and exit."""
    print(f'{program}: error: {message}', file=sys.stderr)
    sys.exit(status)
