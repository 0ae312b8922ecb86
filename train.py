"""Trains skNet (n1) and skResNet (n2), and measures their accuracy (paper, sections 2 and 3).

    python train.py --net n1 n2 --epochs 10 15 20 --batch-size 128

One continuous run per network leaves a checkpoint folder at each epoch count: checkpoints_n1_10e,
checkpoints_n1_15e, ... Settings other than the paper's stand in the folder's name
(checkpoints_n1_batch16_3e). A finished folder is skipped, an interrupted one goes on where its
last checkpoint stands, and a new epoch count goes on from the nearest earlier one.
"""

import dataclasses
import math
import shutil
from fractions import Fraction
from pathlib import Path

import load
import mAP
from sketch import atomic, command_line
from sketch.data.dataset import open_dataset
from sketch.data.input_pipeline import training_input_fn
from sketch.errors import InputError, Interrupted
from sketch.evaluation import results
from sketch.networks import network, triplet
from sketch.runs import checkpoints, run_folder
from sketch.runs.checkpoints import NETWORKS, TRIPLET_DEFAULTS, Settings
from sketch.runs.names import TITLES
from sketch.tensorflow_setup import tf
from sketch.training import distribution, hooks
from sketch.training.failures import explained
from sketch.training.signals import StopTogether, StopWhenAsked, heeding_signals, telling_all


def steps_for(epochs, images, batch_size):
    """Return the step at which an epoch count ends: floor(epochs * images / batch), at least 1.

    Zero epochs are zero steps, the untrained network. `epochs` is taken as the decimal it is
    written as, so that 0.29 of 100 is 29.
    """
    if epochs == 0:
        return 0
    return max(1, math.floor(Fraction(f'{epochs:g}') * images / batch_size))


def train(dataset, root, results_file, settings, epochs, measure=('train', 'test'),
          every_epoch=False, devices='one'):  # fmt: skip
    """Train one network to each of several epoch counts, and evaluate it at each.

    Args:
        dataset: dataset.Dataset.
        root: Path that receives the checkpoint folders.
        results_file: Path of results.csv.
        settings: Settings of the run; its own epochs do not count.
        epochs: the epoch counts.
        measure: the splits whose accuracy to measure at each.
        every_epoch: measure test accuracy and mAP at every whole epoch on the way, too.
        devices: 'one', or 'all' to share each batch out among the GPUs.

    Raises:
        InputError: a folder of that name was trained with other settings, the loss is no number, or
            the disk is full.
        Interrupted: a signal came; a checkpoint was saved.
    """
    checkpoints.check_size(settings.net, dataset)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    if every_epoch:
        mAP.check_queries(dataset)
    machines = distribution.cluster()
    share = distribution.share(settings.batch_size, devices, machines)
    if settings.drawings:
        triplet.check_batch(share, settings.drawings, dataset.train)
    if machines and (len(epochs) > 1 or 0 in epochs or every_epoch):
        raise InputError('--epochs: with TF_CONFIG, one count above 0 a command, on all machines')
    for count in sorted(set(epochs)):
        wanted = dataclasses.replace(settings, epochs=count)
        folder = root / wanted.folder_name
        if results_file.resolve().parent == folder.resolve():
            raise InputError(f'--results: {results_file} is in the folder of a run; give another')
        if machines and not machines.is_chief:
            _assist(folder, wanted, dataset, machines)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with atomic.exclusive(folder, 'training'):
            trained = False
            for done in _stretches(folder, wanted, dataset, every_epoch, devices, machines):
                trained = True
                if every_epoch:
                    _measure_epoch(folder, dataset, results_file, done, done < count)
            if every_epoch and not _measured(results_file, folder, dataset, 'mAP', ['test']):
                _measure_epoch(folder, dataset, results_file, count, False)  # it was interrupted
        if trained or not _measured(results_file, folder, dataset, 'accuracy', measure):
            checkpoint = checkpoints.open_checkpoint(folder, dataset)
            values = load.evaluate(checkpoint, dataset, results_file, measure)
            for split, value in values.items():
                hooks.write_scalar(folder, f'accuracy_{split}', value, checkpoint.step)
        else:
            print(f'{folder}: finished and measured before, skipped')


def _stretches(folder, settings, dataset, every_epoch, devices, machines):
    """Train a folder up to its epoch count; yield the epochs done at every stop."""
    images = len(dataset.train)
    target = steps_for(settings.epochs, images, settings.batch_size)
    prefix = run_folder.begin_or_go_on(folder, settings, target)
    step = checkpoints.step_of(prefix) if prefix else None
    if step is not None and step >= target:
        if len(list(folder.glob('model.ckpt-*.index'))) > 1:  # killed before it was cleaned
            run_folder.keep_only_last(folder)
        return
    if prefix:
        # TensorFlow goes by this file, which may name a place that the folder was moved from.
        checkpoints.name_latest(folder, Path(prefix).name)
    stops = {settings.epochs: target}
    if every_epoch:
        whole = range(math.ceil(settings.epochs))
        stops = {epochs: steps_for(epochs, images, settings.batch_size) for epochs in whole} | stops
    for epochs, stop in stops.items():
        if step is not None and stop < step:
            continue  # measured before the run was interrupted
        if step is None or step < stop:
            _train_steps(folder, settings, step or 0, stop, dataset, devices, machines)
            step = stop
        if stop == target:
            run_folder.keep_only_last(folder)
        yield epochs


def _assist(folder, settings, dataset, machines):
    """Take part in the steps of a training that another machine is the chief of."""
    target = steps_for(settings.epochs, len(dataset.train), settings.batch_size)

    def finished():
        prefix = checkpoints.latest(folder)
        return prefix is not None and checkpoints.step_of(prefix) >= target

    if finished() or not distribution.wait_for_chief(machines, finished):
        print(f'{folder}: finished before')
        return
    if checkpoints.load_settings(folder) != settings:
        raise InputError(
            f'{folder}: not the folder that the chief prepared; give all machines the same '
            'command, data set and --checkpoints folder'
        )
    prefix = checkpoints.latest(folder)
    first = checkpoints.step_of(prefix) if prefix else 0
    try:
        _train_steps(folder, settings, first, target, dataset, 'all', machines)
    finally:
        # TensorFlow has every machine save, since it adds up batch normalisation's statistics then.
        shutil.rmtree(folder / f'tmp_worker_{machines.index}', ignore_errors=True)


def _train_steps(folder, settings, first, last, dataset, devices, machines=None):
    """Take the steps from `first` to `last`, and save."""
    strategy = distribution.strategy(devices, machines)
    config = tf.estimator.RunConfig(
        str(folder),
        tf_random_seed=settings.seed,
        keep_checkpoint_max=2,
        save_checkpoints_steps=hooks.CHECKPOINT_STEPS,  # without a hook of ours
        save_summary_steps=hooks.SUMMARY_STEPS,
        log_step_count_steps=hooks.SUMMARY_STEPS,
        train_distribute=strategy,
        session_config=distribution.session_config(strategy, machines),
    )
    model_fn = NETWORKS[settings.net].model_fn
    if machines:
        model_fn = telling_all(model_fn)
    # The initial weights come from Python's random numbers, which RunConfig's seed does not set.
    tf.keras.utils.set_random_seed(settings.seed)
    estimator = tf.estimator.Estimator(model_fn, config=config, params=settings.params)
    shares = strategy.num_replicas_in_sync if strategy else 1
    input_fn = training_input_fn(
        dataset.train,
        dataset.size,
        settings.batch_size,
        settings.seed,
        first,
        shares,
        (machines.index, len(machines.addresses)) if machines else (0, 1),
        settings.drawings,
        settings.augment,
    )
    title = f'{TITLES[settings.net]} to {settings.epochs:g} epochs'
    during = [hooks.ProgressHook(title, first, last, settings.batch_size, len(dataset.train))]
    if machines:
        watch = distribution.Watch(machines)
        asked = StopTogether(watch.over.set)
        during += [hooks.AfterSteps(last - first, watch.over.set), asked]
        with heeding_signals(asked), explained(folder, first):
            tf.estimator.train_and_evaluate(
                estimator,
                tf.estimator.TrainSpec(input_fn, max_steps=last, hooks=during),
                tf.estimator.EvalSpec(input_fn),  # has to be there, and is not run
            )
    else:
        asked = StopWhenAsked()
        during += [hooks.CheckpointHook(folder), hooks.SummaryHook(folder, settings.batch_size)]
        if last == 0:
            during.append(hooks.StopBeforeFirstStep())
        with heeding_signals(asked), explained(folder, first):
            estimator.train(input_fn, [*during, asked], max_steps=max(last, 1))
    is_chief = not machines or machines.is_chief
    reached = checkpoints.step_of(checkpoints.latest(folder)) if is_chief else last
    if asked.signal is not None:
        where = f'at step {reached}, which is saved' if is_chief else 'with the chief, which saves'
        raise Interrupted(
            f'{folder}: stopped {where}; the same command goes on there', asked.signal
        )
    if reached != last:
        raise RuntimeError(f'{folder}: training ended at step {reached}, not {last}')


def _measure_epoch(folder, dataset, results_file, epochs, with_accuracy):
    """Measure, print and record a folder as it is after some whole number of epochs."""
    checkpoint = checkpoints.open_checkpoint(folder, dataset)
    settings = dataclasses.replace(checkpoint.settings, epochs=epochs)
    checkpoint = dataclasses.replace(checkpoint, settings=settings)
    if with_accuracy:
        load.evaluate(checkpoint, dataset, results_file, ['test'])
    mAP.evaluate(checkpoint, dataset, mAP.choose_k([], len(dataset.test)), results_file)


def _measured(results_file, folder, dataset, metric, splits):
    """Return whether a finished folder's metric on all these splits stands in the results."""
    common = {
        'run': folder.resolve().name,
        'step': checkpoints.step_of(checkpoints.latest(folder)),
        'metric': metric,
        # Runs on other data sets may have the same name.
        'size': dataset.size,
        'classes': dataset.classes,
    }
    return all(
        results.has(results_file, {**common, 'split': name, 'images': len(getattr(dataset, name))})
        for name in splits
    )


def main(argv=None):
    """Parse the command line and train."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    add = arguments.add_argument
    add('--checkpoints', type=Path, default=Path('.'), help='receives the checkpoint folders')
    command_line.add_results(arguments)
    add('--net', nargs='+', choices=NETWORKS, default=['n1', 'n2'], help='n1 skNet, n2 skResNet')
    add(
        '--epochs',
        nargs='+',
        type=command_line.epoch_count,
        default=[10, 15, 20],
        help='may be fractions',
    )
    count = command_line.positive_int
    add('--batch-size', type=count, default=128, help='images per step')
    add(
        '--learning-rate',
        type=command_line.above_0,
        default=network.LEARNING_RATE,
        help="Adam's, per step",
    )
    add(
        '--filters',
        nargs=4,
        type=count,
        help="skNet's output channels per block (default: 64 64 64 64); the paper's figure 1 shows "
        '64 128 128 256',
    )
    add(
        '--batch-norm-momentum',
        type=command_line.below_1,
        default=network.BATCH_NORM_MOMENTUM,
        help='of the moving statistics, per step; they need some 4/(1 - momentum) steps',
    )
    add('--loss', choices=network.LOSSES, default=network.CROSS_ENTROPY, help="the paper's first")
    of_triplets = 'the triplet loss (default: {})'
    margin, embedding_size, drawings = map(of_triplets.format, TRIPLET_DEFAULTS.values())
    add('--margin', type=command_line.above_0, help=f'between squared distances in {margin}')
    add('--embedding-size', type=count, help=f'values that go into {embedding_size}')
    add('--drawings', type=count, help=f'of each category in a batch for {drawings}')
    add('--augment', action='store_true', help='turn, scale and shift each training image a little')
    add(
        '--learning-rate-decay',
        type=command_line.above_0,
        default=1.0,
        help='factor of the learning rate, each epoch',
    )
    add('--seed', type=command_line.seed, default=0, help='of the weights and the shuffle')
    command_line.add_measure(arguments)
    add('--eval-every-epoch', action='store_true', help='test accuracy and mAP, from epoch 0 on')
    add('--deterministic', action='store_true', help='the same bits again on the same machine')
    add(
        '--devices',
        choices=['one', 'all'],
        default='one',
        help='all: each batch is shared out among the GPUs',
    )
    options = arguments.parse_args(argv)
    results.read(options.results)  # whether it is such a table, before hours of work
    if distribution.cluster() and len(options.net) > 1:
        raise InputError('--net: with TF_CONFIG, one network a command, on all machines')
    if options.filters and 'n1' not in options.net:
        raise InputError("--filters: are skNet's; give --net n1")
    given = {name: getattr(options, name) for name in TRIPLET_DEFAULTS}
    given = {name: value for name, value in given.items() if value is not None}
    if given and options.loss == network.CROSS_ENTROPY:
        flags = ', '.join('--' + name.replace('_', '-') for name in given)
        raise InputError(f'{flags}: only with --loss {network.TRIPLET} or {network.BOTH}')
    of_triplet = {} if options.loss == network.CROSS_ENTROPY else {**TRIPLET_DEFAULTS, **given}
    dataset = open_dataset(options.data)
    for net in options.net:
        settings = Settings(
            net=net,
            filters=tuple(options.filters or NETWORKS['n1'].FILTERS) if net == 'n1' else (),
            classes=dataset.classes,
            epochs=0,
            size=dataset.size,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            batch_norm_momentum=options.batch_norm_momentum,
            loss=options.loss,
            **of_triplet,
            augment=options.augment,
            learning_rate_decay=options.learning_rate_decay,
            seed=options.seed,
            deterministic=options.deterministic,
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
            command_line.SPLITS[options.measure],
            options.eval_every_epoch,
            options.devices,
        )


if __name__ == '__main__':
    command_line.run(main)
