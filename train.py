"""Trains skNet (n1) and skResNet (n2), and measures their accuracy (paper, sections 2 and 3).

    python train.py --net n1 n2 --epochs 10 15 20 --batch-size 128

One continuous run per network leaves a checkpoint folder at each epoch count: checkpoints_n1_10e,
checkpoints_n1_15e, ... Settings other than the paper's stand in the folder's name
(checkpoints_n1_batch16_3e). A finished folder is skipped, an interrupted one goes on where its
last checkpoint stands, and a new epoch count goes on from the nearest earlier one.
"""

import argparse
import dataclasses
import math
import shutil
from fractions import Fraction
from pathlib import Path

import atomic
import checkpoints
import command_line
import network
import results
from checkpoints import NETWORKS, Settings
from command_line import InputError
from dataset import open_dataset
from hooks import CheckpointHook, ProgressHook, StopBeforeFirstStep
from input_pipeline import training_input_fn
from load import evaluate
from runs import TITLES, series
from tensorflow_setup import tf


def steps_for(epochs, images, batch_size):
    """Return the step at which an epoch count ends: floor(epochs * images / batch), at least 1.

    Zero epochs are zero steps, the untrained network. `epochs` is taken as the decimal it is
    written as, so that 0.29 of 100 is 29.
    """
    if epochs == 0:
        return 0
    return max(1, math.floor(Fraction(f'{epochs:g}') * images / batch_size))


def train(dataset, root, results_file, settings, epochs, measure=('train', 'test')):
    """Train one network to each of several epoch counts, and evaluate it at each.

    Args:
        dataset: dataset.Dataset.
        root: Path that receives the checkpoint folders.
        results_file: Path of results.csv.
        settings: Settings of the run; its own epochs do not count.
        epochs: the epoch counts.
        measure: the splits whose accuracy to measure at each.

    Raises:
        InputError: a folder of that name was trained with other settings, or the loss is no number.
    """
    checkpoints.check_size(settings.net, dataset)
    for count in sorted(set(epochs)):
        wanted = dataclasses.replace(settings, epochs=count)
        folder = root / wanted.folder_name
        target = steps_for(count, len(dataset.train), settings.batch_size)
        _prepare(folder, wanted, target)
        with atomic.exclusive(folder, 'training'):
            trained = _train_to(folder, wanted, target, dataset)
        if trained or not _measured(results_file, folder, measure):
            evaluate(folder, dataset, results_file, measure)
        else:
            print(f'{folder}: finished and measured before, skipped')


def _prepare(folder, settings, target):
    """Make a checkpoint folder, with the best earlier checkpoint of the same run in it."""
    found = checkpoints.load_settings(folder)
    if found is not None:
        if found != settings:
            raise InputError(
                f'{folder}: trained with {found.differences(settings)}; give another '
                '--checkpoints, or remove it'
            )
        return
    if folder.exists():
        raise InputError(f'{folder}: has no {checkpoints.SETTINGS}; give another --checkpoints')
    building = folder.with_name(f'.{folder.name}.new')
    if building.exists():
        shutil.rmtree(building)
    building.mkdir(parents=True)
    earlier = _earlier_checkpoint(folder, settings, target)
    if earlier is not None:
        print(f'{folder}: goes on from {earlier}')
        for file in Path(earlier).parent.glob(f'{Path(earlier).name}.*'):
            shutil.copy(file, building)
        checkpoints.name_latest(building, Path(earlier).name)
    atomic.write_json(building / checkpoints.SETTINGS, dataclasses.asdict(settings))
    building.rename(folder)


def _earlier_checkpoint(folder, settings, target):
    """Return the checkpoint of the same run that is nearest below a step, None without any."""
    run = series(folder.name)
    best = None
    for other in sorted(folder.parent.glob(f'{run}_*e')):
        prefix, found = checkpoints.latest(other), checkpoints.load_settings(other)
        if series(other.name) != run or not prefix or found is None:
            continue
        found = dataclasses.replace(found, epochs=settings.epochs)
        if found != settings:
            print(f'{other}: not continued, it was trained with {found.differences(settings)}')
        elif checkpoints.step_of(prefix) <= target and (
            best is None or checkpoints.step_of(best) < checkpoints.step_of(prefix)
        ):
            best = prefix
    return best


def _train_to(folder, settings, target, dataset):
    """Train a folder's network up to a step; return whether that took any."""
    prefix = checkpoints.latest(folder)
    first = checkpoints.step_of(prefix) if prefix else 0
    if prefix and first >= target:
        return False
    config = tf.estimator.RunConfig(
        str(folder),
        tf_random_seed=settings.seed,
        keep_checkpoint_max=2,
        save_summary_steps=20,
        log_step_count_steps=20,
    )
    model_fn = NETWORKS[settings.net].model_fn
    estimator = tf.estimator.Estimator(model_fn, config=config, params=settings.params)
    input_fn = training_input_fn(
        dataset.train, dataset.size, settings.batch_size, settings.seed, first
    )
    title = f'{TITLES[settings.net]} to {settings.epochs:g} epochs'
    hooks = [
        ProgressHook(title, first, target, settings.batch_size, len(dataset.train)),
        CheckpointHook(folder),
    ]
    if target == 0:
        hooks.append(StopBeforeFirstStep())
    try:
        estimator.train(input_fn, hooks, max_steps=max(target, 1))
    except tf.estimator.NanLossDuringTrainingError:
        raise InputError(
            f'{folder}: the loss is not a number after step {first}; remove the folder and train '
            'with a smaller --learning-rate'
        ) from None
    reached = checkpoints.step_of(checkpoints.latest(folder))
    if reached != target:
        raise RuntimeError(f'{folder}: training ended at step {reached}, not {target}')
    _keep_only_last(folder)
    return True


def _keep_only_last(folder):
    """Delete all but the newest checkpoint of a finished folder."""
    name = Path(checkpoints.latest(folder)).name
    checkpoints.name_latest(folder, name)
    for index in folder.glob('model.ckpt-*.index'):
        if index.stem != name:
            tf.compat.v1.train.remove_checkpoint(str(index.with_suffix('')))


def _measured(results_file, folder, splits):
    """Return whether a finished folder's accuracies on all these splits stand in the results."""
    step = str(checkpoints.step_of(checkpoints.latest(folder)))
    found = {
        row['split']
        for row in results.read(results_file)
        if (row['run'], row['step'], row['metric']) == (folder.name, step, 'accuracy')
    }
    return found >= set(splits)


def epoch_count(text):
    """Argument type: a decimal number of epochs, 0 for the untrained network."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'{text} is not a number of epochs')
    return value


def rate(text):
    """Argument type: a number above 0."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'{text} is not a number above 0')
    return value


def momentum(text):
    """Argument type: a number from 0 up to, not including, 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not in [0, 1)')
    return value


def main(argv=None):
    """Parse the command line and train."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    add = arguments.add_argument
    add('--checkpoints', type=Path, default=Path('.'), help='receives the checkpoint folders')
    command_line.add_results(arguments)
    add('--net', nargs='+', choices=NETWORKS, default=['n1', 'n2'], help='n1 skNet, n2 skResNet')
    add('--epochs', nargs='+', type=epoch_count, default=[10, 15, 20], help='may be fractions')
    count, natural = command_line.positive_int, command_line.natural_int
    add('--batch-size', type=count, default=128, help='images per step')
    add('--learning-rate', type=rate, default=network.LEARNING_RATE, help="Adam's, per step")
    add(
        '--filters',
        nargs=4,
        type=count,
        default=list(NETWORKS['n1'].FILTERS),
        help="skNet's output channels per block; the paper's figure 1 shows 64 128 128 256",
    )
    add(
        '--batch-norm-momentum',
        type=momentum,
        default=network.BATCH_NORM_MOMENTUM,
        help='of the moving statistics, per step; they need some 4/(1 - momentum) steps',
    )
    add('--seed', type=natural, default=0, help='of the weights and the shuffle')
    splits = ['train', 'test']
    add('--measure', nargs='+', choices=splits, default=splits, help='sets to take accuracies of')
    options = arguments.parse_args(argv)
    dataset = open_dataset(options.data)
    for net in options.net:
        settings = Settings(
            net=net,
            filters=tuple(options.filters) if net == 'n1' else (),
            classes=dataset.classes,
            epochs=0,
            size=dataset.size,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            batch_norm_momentum=options.batch_norm_momentum,
            seed=options.seed,
            images=len(dataset.train),
            categories=dataset.categories,
            dataset=dataset.digest,
        )
        train(
            dataset,
            options.checkpoints,
            options.results,
            settings,
            options.epochs,
            options.measure,
        )


if __name__ == '__main__':
    command_line.run(main)
