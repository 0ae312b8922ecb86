"""A data set of synthetic drawings, and networks of it, for the benchmarks of whole scripts."""

import contextlib
import io
import tempfile
from pathlib import Path

import create_dataset
import train
from tools import synthetic

CATEGORIES = len(synthetic.CATEGORIES)


@contextlib.contextmanager
def quiet():
    """Drop what Python prints in the block, or it would stand between the lines of the Rows."""
    nothing = io.StringIO()
    with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
        yield


@contextlib.contextmanager
def dataset(training, test, classes=CATEGORIES):
    """Give the Path of a data set with so many images per category, until the block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with quiet():
            synthetic.main(['--out', name, '--drawings', str(training + test)])
            source = {'files': folder / 'files', 'categories': folder / 'categories.txt'}
            numbers = {'classes': classes, 'train': training, 'test': test}
            create_dataset.construct_from_scratch(**source, out=folder, **numbers)
        yield folder


def network(data, net, *flags):
    """Run train.py on a data set, with more flags; return the new checkpoint folder."""
    parent = tempfile.mkdtemp(dir=data)
    places = ['--data', data, '--checkpoints', parent, '--results', f'{parent}/results.csv']
    with quiet():
        train.main([str(word) for word in (*places, '--net', net, *flags)])
    return next(Path(parent).glob('checkpoints_*'))
