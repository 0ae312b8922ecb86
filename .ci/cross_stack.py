"""Trains on each of two stacks of TensorFlow, and evaluates each checkpoint on both.

    python .ci/cross_stack.py .venv/bin/python .venv-other/bin/python

Ends with status 1 if an accuracy or a mAP of one checkpoint differs between the stacks, or how many
of the images each finds among those of the training. Accuracies must be equal. mAP may differ by
1e-4: float32 sums depend on the order of their terms.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Small: seconds instead of minutes.
TRAINING = ['--net', 'n1', 'n2', '--epochs', '1', '--batch-size', '8']
SIZES = ['--classes', '4', '--train', '24', '--test', '12', '--size', '96']
TOLERANCE = {'accuracy': 0.0, 'mAP': 1e-4, 'compactness': 1e-4}


def run(python, *arguments):
    """Run a script of the project with a Python; raise CalledProcessError if it fails."""
    subprocess.run([python, *map(str, arguments)], cwd=ROOT, check=True)


def train(python, data, checkpoints):
    """Train both networks; copy each checkpoint without settings.json, as the author's are."""
    place = ['--data', data, '--checkpoints', checkpoints]
    run(python, 'train.py', *place, '--results', checkpoints / 'results.csv', *TRAINING)
    for folder in sorted(checkpoints.glob('checkpoints_*')):
        plain = checkpoints / f'author_{folder.name}'
        shutil.copytree(folder, plain)
        (plain / 'settings.json').unlink()


def measure(python, data, folders, results):
    """Return {(run, metric, split, definition, k): (value, seen)} of checkpoint folders."""
    run(python, 'load.py', '--data', data, '--results', results, *folders)
    run(python, 'mAP.py', '--data', data, '--results', results, '--k', '11', 'all', *folders)
    with open(results, newline='', encoding='utf-8') as file:
        keys = ('run', 'metric', 'split', 'definition', 'k')
        return {
            tuple(row[key] for key in keys): (float(row['value']), row['seen'])
            for row in csv.DictReader(file)
        }


def main():
    """Compare the measurements of each stack's checkpoints."""
    pythons = [Path(name).absolute() for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, 'data')
        run(pythons[0], '-m', 'tools.synthetic', '--out', data)
        files = ['--files', data / 'files', '--categories', data / 'categories.txt']
        run(pythons[0], 'create_dataset.py', *files, '--out', data, *SIZES)
        for writer, python in enumerate(pythons):
            checkpoints = Path(folder, f'of_{writer}')
            train(python, data, checkpoints)
            folders = sorted(path for path in checkpoints.iterdir() if path.is_dir())
            first, second = (
                measure(reader, data, folders, Path(folder, f'{writer}_by_{number}.csv'))
                for number, reader in enumerate(pythons)
            )
            if first.keys() != second.keys() or len(first) < 2 * len(folders):
                sys.exit(f'different measurements of the checkpoints of {python}')
            for key, (value, seen) in first.items():
                other, seen_by_other = second[key]
                # Both decode the images to the same pixels: they know the same ones again.
                if abs(value - other) > TOLERANCE[key[1]] or seen != seen_by_other:
                    told = f'{value} ({seen} seen) and {other} ({seen_by_other} seen)'
                    sys.exit(f'{key}, trained by {python}: {told}')
            print(f'{len(first)} measurements of {len(folders)} checkpoints agree: {python}')


if __name__ == '__main__':
    main()
