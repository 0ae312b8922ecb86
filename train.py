"""Trains skNet (n1) and skResNet (n2), and measures their accuracy (paper, sections 2 and 3).

    python train.py --net n1 n2 --epochs 10 15 20 --batch-size 128

One continuous training per network leaves a checkpoint folder at each epoch count:
checkpoints_n1_10e, checkpoints_n1_15e, ... Settings that differ from the paper's appear in the
folder name (checkpoints_n1_batch16_3e). The same command skips finished folders and resumes an
interrupted one from its last checkpoint. A new epoch count resumes from the nearest earlier one.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import NamedTuple

from sketch import atomic, command_line, locks
from sketch.data.dataset import check_queries, open_dataset
from sketch.errors import InputError
from sketch.networks.registry import BOTH, CROSS_ENTROPY, LOSSES, NETWORKS, TRIPLET
from sketch.reporting import results
from sketch.runs import folders
from sketch.runs.names import number_text, series
from sketch.runs.settings import Default, Settings
from sketch.training import precision
from sketch.training.workers import workers_of_tf_config

OF_TRIPLETS = ('margin', 'embedding_size', 'images_per_class')  # settings of a triplet loss


class MeasurementPlan(NamedTuple):
    """What to measure of a training, and where to record it."""

    results: Path  # results.csv
    splits: tuple = ('train', 'test')  # whose accuracy, at each epoch count
    ks: tuple = ()  # not empty: test accuracy and mAP at these k also at every whole epoch


def train(dataset, settings, epochs, root, plan, devices='one'):
    """Train one network to several epoch counts, and measure it at each.

    Args:
        dataset: dataset.Dataset.
        settings: Settings of the training; its own epochs are not used.
        epochs: the epoch counts.
        root: Path that receives the checkpoint folders.
        plan: MeasurementPlan.
        devices: 'one', or 'all' to divide each batch among the GPUs.

    Returns:
        The rows that were recorded in results.csv.

    Raises:
        InputError: a folder of that name was trained with other settings, the loss is NaN, or the
            disk is full.
        Interrupted: a signal came; a checkpoint was saved.
    """
    from sketch.training import loop  # TensorFlow

    workers, every_epoch = workers_of_tf_config(), bool(plan.ks)
    # 1. Check what would fail only after hours.
    loop.check(settings, dataset, devices, workers)
    if every_epoch:
        check_queries(dataset)
    if workers and (len(epochs) > 1 or 0 in epochs or every_epoch):
        raise InputError('--epochs: with TF_CONFIG, one count above 0, and no --eval-every-epoch')
    recorded = []
    for count in sorted(set(epochs)):
        wanted = dataclasses.replace(settings, epochs=count)
        run = loop.Run(root / wanted.folder_name, wanted, dataset, devices, workers)
        if plan.results.resolve().parent == run.folder.resolve():
            raise InputError(f'--results: {plan.results} is in a run folder; give another')
        if workers and not workers.is_chief:
            loop.train_as_worker(run)
            continue
        # 2. Train to the epoch count, and measure at each whole epoch on the way if asked to.
        with atomic.made_folder(run.folder), locks.exclusive(run.folder, 'training'):
            step, trained = loop.prepare(run), False
            stops = run.stops(every_epoch)
            _report_left_out(run, [done for done in stops if stops[done] < (step or 0)], plan)
            for done, stop in stops.items():
                if stop < (step or 0):
                    continue
                new = step is None or step < stop
                if new:
                    loop.train_steps(run, step or 0, stop)
                    step, trained = stop, True
                if every_epoch and (new or not _is_measured(run, done, 'mAP', plan)):
                    splits = ['test'] if done < count else []
                    recorded += _measure(run, done, splits, True, plan)
        # 3. Measure accuracy.
        if trained or not _is_measured(run, count, 'accuracy', plan):
            loop.warn_if_unsettled(run)
            recorded += _measure(run, count, plan.splits, False, plan)
        else:
            print(f'{run.folder}: already trained and measured, skipped')
    return recorded


def _measure(run, epochs, splits, with_map, plan):
    """Measure a folder's latest checkpoint; print, record and return the rows."""
    from sketch.evaluation import accuracy, retrieval  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint
    from sketch.training.hooks import write_scalar

    checkpoint = open_checkpoint(run.folder, run.dataset)
    settings = dataclasses.replace(checkpoint.settings, epochs=epochs)
    checkpoint = checkpoint._replace(settings=settings)
    rows = []
    if splits:
        measured = accuracy.evaluate(checkpoint, run.dataset, splits)
        rows += results.print_and_record(plan.results, measured)
    for row in rows:
        write_scalar(run.folder, f'accuracy_{row["split"]}', row['value'], checkpoint.step)
    if with_map:
        print(checkpoint.title)
        measured = retrieval.evaluate(checkpoint, run.dataset, plan.ks)
        rows += results.print_and_record(plan.results, measured)
    return rows


def _report_left_out(run, epochs, plan):
    """Print one line if a training is past whole epochs that were to be measured and were not."""
    if not epochs:
        return
    name = series(run.folder.name)
    measured = {
        row['epochs']
        for row in results.read(plan.results)
        if (series(row['run']), row['metric'], row['dataset']) == (name, 'mAP', run.dataset.digest)
    }
    if missing := [number_text(done) for done in epochs if number_text(done) not in measured]:
        print(
            f'{run.folder}: already past epochs {", ".join(missing)}: no mAP of them; to measure '
            'all, train in another folder of checkpoints'
        )


def _is_measured(run, epochs, metric, plan):
    """Return whether a run's metric is in the results, on all splits that it is wanted on."""
    from sketch.runs.checkpoints import weights_digest  # TensorFlow

    prefix = folders.latest(run.folder)
    common = {
        'weights': weights_digest(prefix),  # the name may have been another network's
        'run': run.folder.resolve().name,
        'epochs': epochs,
        'step': run.settings.step_after(epochs),
        'metric': metric,
        'dataset': run.dataset.digest,  # runs on other data sets may have the same name
    }
    splits = plan.splits if metric == 'accuracy' else ('test',)
    return all(
        results.has(
            plan.results,
            {**common, 'split': split, 'images': len(getattr(run.dataset, split))},
        )
        for split in splits
    )


def parse_arguments(argv):
    """Return the parsed command line.

    Raises:
        InputError: flags that do not go together.
    """
    arguments = command_line.parser(__doc__)
    add_setting = command_line.add_setting
    count, above_0 = command_line.positive_int, command_line.above_0

    data = arguments.add_argument_group('data and results')
    command_line.add_data(data)
    data.add_argument(
        '--checkpoints',
        type=command_line.output_folder,
        default=Path('.'),
        help='receives the checkpoint folders',
    )
    command_line.add_results(data)
    command_line.add_measure(data)
    data.add_argument(
        '--eval-every-epoch',
        action='store_true',
        help='also test accuracy and mAP after each whole epoch that is trained, from 0 on',
    )

    training = arguments.add_argument_group('training')
    training.add_argument(
        '--net',
        nargs='+',
        type=command_line.net,
        choices=NETWORKS,
        default=Default.nets,
        help=', '.join(f'{net} is {network.title}' for net, network in NETWORKS.items()),
    )
    add_setting(
        training,
        '--epochs',
        nargs='+',
        type=command_line.epoch_count,
        help='epoch counts to train to: fractions, or 0 for the untrained network, too',
    )
    add_setting(training, '--batch-size', type=count, help='images per step')
    add_setting(training, '--learning-rate', type=above_0, help='of Adam')
    add_setting(
        training,
        '--batch-norm-momentum',
        type=command_line.below_1,
        help='of the moving statistics, per step; they settle in about 4/(1 - momentum) steps',
    )
    add_setting(
        training,
        '--seed',
        type=command_line.seed,
        help='of the initial weights and of the order of the images',
    )

    questions = arguments.add_argument_group("the paper's open questions")
    adjustable = {net: network for net, network in NETWORKS.items() if network.widths}
    widths = [[network.title, *map(str, network.widths)] for network in adjustable.values()]
    questions.add_argument(
        '--filters',
        nargs='+',
        type=count,
        help="output channels per block; the paper's figure 1 has 64 128 128 256 "
        f'(default: {", ".join(map(" ".join, widths))})',
    )
    add_setting(questions, '--loss', choices=LOSSES, help='the paper has cross-entropy')
    for flag, kind, what in (
        ('--margin', above_0, 'between squared distances'),
        ('--embedding-size', count, 'values of the embedding'),
        ('--images-per-class', count, 'in a batch'),
    ):
        questions.add_argument(
            flag,
            type=kind,
            default=argparse.SUPPRESS,
            help=f'{what}; only with a triplet loss (default: {command_line.default_of(flag)})',
        )
    questions.add_argument(
        '--augment', action='store_true', help='turn, scale and shift each training image a little'
    )
    add_setting(
        questions,
        '--learning-rate-decay',
        type=above_0,
        help='factor on the learning rate per epoch',
    )

    machines = arguments.add_argument_group('machines')
    machines.add_argument(
        '--devices',
        choices=['one', 'all'],
        default='one',
        help='all divides each batch among the GPUs; for several machines see docs/distributed.md',
    )
    add_setting(
        machines,
        '--precision',
        choices=['float32', 'mixed'],
        help='mixed trains in 16 bits: bfloat16 on a processor with AVX512_BF16 or AMX, float16 on '
        'a GPU (not tested). Checkpoints and evaluation stay float32',
    )
    machines.add_argument(
        '--deterministic',
        action='store_true',
        help='make runs repeat bit by bit on the same machine',
    )

    options = arguments.parse_args(argv)
    chosen = [adjustable[net] for net in options.net if net in adjustable]
    if options.filters and not chosen:
        titles = ' or '.join(network.title for network in adjustable.values())
        raise InputError(f'--filters: only {titles} has them; give --net {" or ".join(adjustable)}')
    for title, blocks in ((network.title, len(network.widths)) for network in chosen):
        if options.filters and len(options.filters) != blocks:
            raise InputError(f'--filters: {title} takes {blocks}, not {len(options.filters)}')
    flags = ['--' + name.replace('_', '-') for name in OF_TRIPLETS if hasattr(options, name)]
    if flags and options.loss == CROSS_ENTROPY:
        raise InputError(f'{", ".join(flags)}: only with --loss {TRIPLET} or {BOTH}')
    return options


def settings_for(net, options, dataset):
    """Return the Settings of one network's training on a data set."""
    names = {field.name for field in dataclasses.fields(Settings)}
    given = {name: value for name, value in vars(options).items() if name in names}
    widths = NETWORKS[net].widths
    filters = tuple(options.filters) if options.filters and widths else widths
    return Settings(
        **{**given, 'net': net, 'filters': filters, 'epochs': 0},
        classes=dataset.classes,
        size=dataset.size,
        images=len(dataset.train),
        categories=dataset.categories,
        dataset=dataset.names_digest,
        content=dataset.digest,
    )


def main(argv=None):
    """Parse the command line, train, and return the rows recorded in results.csv."""
    options = parse_arguments(argv)
    workers = workers_of_tf_config()
    if len(options.net) > 1 and workers:
        raise InputError('--net: with TF_CONFIG, one network per command, on all workers')
    results.check(options.results)  # fails now, not after hours
    counts = sorted(set(options.epochs))
    print(
        f'{" and ".join(NETWORKS[net].title for net in options.net)} to '
        f'{", ".join(map(number_text, counts))} epoch{"s" * (counts != [1])} of {options.data}',
        flush=True,
    )
    options.precision = precision.of_this_machine(options.precision)
    dataset = open_dataset(options.data)
    splits = command_line.SPLITS[options.measure]
    every_epoch = options.eval_every_epoch
    ks = command_line.choose_k([], len(dataset.test)) if every_epoch else ()
    plan = MeasurementPlan(options.results, splits, ks)
    recorded = []
    for net in options.net:
        settings = settings_for(net, options, dataset)
        recorded += train(
            dataset,
            settings,
            options.epochs,
            options.checkpoints,
            plan,
            options.devices,
        )
    return recorded


if __name__ == '__main__':
    command_line.run(main)
