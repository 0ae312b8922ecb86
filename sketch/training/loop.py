"""Trains one network in one folder, from the step it has reached to a later one."""

import contextlib
import math
import shutil
from pathlib import Path
from typing import NamedTuple

from sketch.backend.patterns import literal
from sketch.backend.setup import tf
from sketch.backend.state import deterministic, without_tf_config
from sketch.data.dataset import Dataset
from sketch.data.input_pipeline import training_input_fn
from sketch.data.samplers import check_balanced_batch
from sketch.errors import InputError, Interrupted
from sketch.networks.registry import NETWORKS
from sketch.runs import checkpoints, folders, run_folder
from sketch.runs import settings as run_settings
from sketch.runs.names import epochs_text
from sketch.runs.settings import Settings
from sketch.training import distribution, hooks, precision
from sketch.training.failures import readable_errors
from sketch.training.signals import (
    StopOnSignalHook,
    StopTogetherHook,
    handle_signals,
    with_stop_votes,
)
from sketch.training.workers import ExitWithOthers, Workers, wait_for_chief


class Run(NamedTuple):
    """One training in one folder, up to the epochs of its settings."""

    folder: Path
    settings: Settings
    dataset: Dataset
    devices: str = 'one'  # or 'all'
    workers: Workers = None

    def stops(self, every_epoch):
        """Return {epochs: step} of the steps to stop at: the end, or all whole epochs and it."""
        whole = range(math.ceil(self.settings.epochs)) if every_epoch else ()
        return {e: self.settings.step_after(e) for e in (*whole, self.settings.epochs)}


def check(settings, dataset, devices, workers):
    """Raise InputError if a training with these settings cannot start."""
    checkpoints.check_size(settings.net, dataset)
    batch_size = distribution.images_per_device(settings.batch_size, devices, workers)
    if settings.has_triplets:
        check_balanced_batch(batch_size, settings.images_per_class, dataset.train.labels)


def prepare(run):
    """Make a run's folder ready; return the step to resume from, None to start from scratch."""
    prefix = run_folder.prepare(
        run.folder, run.settings, run.settings.last_step, run.dataset.train.pixels
    )
    if prefix is None:
        return None
    step = folders.step_of(prefix)
    if step < run.settings.last_step:
        print(f'{run.folder}: resumes at step {step} of {run.settings.last_step}')
        # TensorFlow reads this file. In a moved folder it would name the old place.
        folders.name_latest(run.folder, Path(prefix).name)
    elif len(list(run.folder.glob('model.ckpt-*.index'))) > 1:
        run_folder.keep_only_last(run.folder)  # it was killed before this
    return step


def train_steps(run, first, last):
    """Take a run's steps from `first` to `last`, and save a checkpoint there.

    Raises:
        InputError: the loss is NaN, or the disk is full.
        Interrupted: a signal came; a checkpoint was saved.
    """
    # For one machine TF_CONFIG is hidden: Estimator refuses a cluster of one.
    cluster = contextlib.nullcontext() if run.workers else without_tf_config()
    with cluster, deterministic(run.settings.deterministic):
        stop = _train(run, first, last)
    is_chief = not run.workers or run.workers.is_chief
    reached = folders.step_of(folders.latest(run.folder)) if is_chief else last
    if stop.signal is not None:
        saved = f'at step {reached}, saved' if is_chief else 'with the chief, which saves'
        raise Interrupted(f'{run.folder}: stopped {saved}; the same command resumes', stop.signal)
    if reached != last:
        raise RuntimeError(f'{run.folder}: training ended at step {reached}, not {last}')
    if is_chief:
        _check_weights(run)
        if last == run.settings.last_step:
            run_folder.keep_only_last(run.folder)


def warn_if_unsettled(run):
    """Print one line if a run is too short for batch norm's statistics.

    They settle in about 4 / (1 - momentum) steps. Before that an evaluation measures them and not
    the weights.
    """
    settings, images = run.settings, len(run.dataset.train)
    needed = math.ceil(4 / (1 - settings.batch_norm_momentum) - 1e-6)
    if not 0 < settings.last_step < needed:
        return
    larger = ' (a batch is larger than the training set)' if settings.batch_size > images else ''
    print(
        f'{run.folder}: {settings.last_step} steps{larger}, but the statistics of batch norm '
        f'settle in about {needed}: accuracy and mAP may be far too low. Train with a smaller '
        'batch size or batch norm momentum, or run python -m tools.precise_bn on the folder'
    )


def train_as_worker(run):
    """Train as a worker that is not the chief."""

    def finished():
        prefix = folders.latest(run.folder)
        return prefix is not None and folders.step_of(prefix) >= run.settings.last_step

    if finished() or not wait_for_chief(run.workers, finished):
        print(f'{run.folder}: already trained, skipped')
        return
    found = run_settings.load(run.folder)
    if found is None or found.differences(run.settings):
        raise InputError(
            f'{run.folder}: not the folder that the chief prepared; give all workers the same '
            'command, data set and folder of checkpoints'
        )
    prefix = folders.latest(run.folder)
    try:
        train_steps(run, folders.step_of(prefix) if prefix else 0, run.settings.last_step)
    finally:
        # In TensorFlow all workers save, because saving adds up batch norm's statistics.
        shutil.rmtree(run.folder / f'tmp_worker_{run.workers.index}', ignore_errors=True)


def _check_weights(run):
    """Raise InputError, and remove the latest checkpoint, if its weights are NaN or infinite.

    The loss that a step reports is that of the weights before it.
    """
    prefix = folders.latest(run.folder)
    try:
        checkpoints.read_variables(prefix)
    except checkpoints.NotFiniteError as error:
        folders.remove(prefix)
        raise InputError(
            f'{error}: removed; remove the folder and train with a smaller learning rate'
        ) from None


def _train(run, first, last):
    """Take steps; return the hook that knows whether a signal came."""
    settings = run.settings
    estimator, input_fn = _estimator_and_input(run, first)
    title = f'{NETWORKS[settings.net].title} to {epochs_text(settings.epochs)}'
    progress = hooks.ProgressHook(title, first, settings)
    if run.workers:
        stop = StopTogetherHook(ExitWithOthers(run.workers).finishing.set, last)
        with handle_signals(stop), readable_errors(run.folder, first):
            tf.estimator.train_and_evaluate(
                estimator,
                tf.estimator.TrainSpec(input_fn, max_steps=last, hooks=[progress, stop]),
                tf.estimator.EvalSpec(input_fn),  # required, but never run
            )
        return stop
    stop = StopOnSignalHook()
    during = [
        progress,
        hooks.CheckpointHook(run.folder),
        hooks.SummaryHook(run.folder, settings.batch_size),
        *([] if last else [hooks.StopBeforeFirstStepHook()]),
        stop,
    ]
    with handle_signals(stop), readable_errors(run.folder, first):
        estimator.train(input_fn, during, max_steps=max(last, 1))
    return stop


def _estimator_and_input(run, first):
    settings = run.settings
    strategy = distribution.strategy(run.devices, run.workers)
    session_config = distribution.session_config(strategy, run.workers)
    config = tf.estimator.RunConfig(
        literal(run.folder),
        tf_random_seed=settings.seed,
        keep_checkpoint_max=2,
        save_checkpoints_steps=hooks.CHECKPOINT_STEPS,  # where CheckpointHook is not used
        save_summary_steps=hooks.SUMMARY_STEPS,
        log_step_count_steps=hooks.SUMMARY_STEPS,
        train_distribute=strategy,
        session_config=precision.session_config(settings.precision, session_config),
    )
    model_fn = settings.network.model_fn
    if run.workers:
        model_fn = with_stop_votes(model_fn)
    estimator = tf.estimator.Estimator(model_fn, config=config, params=settings.params)
    input_fn = training_input_fn(
        run.dataset.train,
        run.dataset.size,
        settings,
        first_step=first,
        num_replicas=strategy.num_replicas_in_sync if strategy else 1,
        shard=run.workers.shard if run.workers else (0, 1),
    )
    return estimator, input_fn
