"""Precise batch norm: recomputes batch norm's moving statistics; the weights stay the same."""

import dataclasses
import math

import numpy as np
from tqdm import tqdm

from sketch import atomic
from sketch.backend.patterns import literal
from sketch.backend.setup import tf
from sketch.data.input_pipeline import EVALUATION_BATCH, training_input_fn
from sketch.errors import InputError
from sketch.networks.registry import CROSS_ENTROPY, NETWORKS
from sketch.runs import folders, training_images
from sketch.runs import settings as run_settings
from sketch.runs.checkpoints import is_of_inference

STATISTICS = ('moving_mean', 'moving_variance')


def precise_bn(checkpoint, dataset, images):
    """Write the checkpoint with statistics of training images; return its folder.

    It takes `images` training images of the opened data set, rounded up to batches of 128. If there
    are not as many, the last batch repeats some.

    Raises:
        InputError: the checkpoint has no settings, has precise statistics already, or was trained
            on other images; or the disk is full.
    """
    settings = checkpoint.settings
    if settings.content is None or settings.precise_bn:
        raise InputError(
            f'{checkpoint.folder}: not a checkpoint of train.py, or already with precise batch norm'
        )
    if settings.content != dataset.digest:
        raise InputError(
            f'{checkpoint.folder}: not trained on the images of {dataset.folder}; give the data '
            'set of its training'
        )
    changed = dataclasses.replace(settings, precise_bn=True)
    folder = checkpoint.folder.resolve().parent / changed.folder_name
    batch = min(EVALUATION_BATCH, len(dataset.train))
    count = math.ceil(min(images, len(dataset.train)) / batch)
    with tf.Graph().as_default():
        statistics, update, saver = _training_graph(dataset, settings, batch)
        with tf.compat.v1.Session() as session:
            saver.restore(session, literal(checkpoint.prefix))
            sums = [np.zeros(v.shape, np.float64) for v in statistics]
            title = f'{NETWORKS[settings.net].title}, statistics'
            for _ in tqdm(range(count), title, disable=None):
                session.run(update)
                sums = [total + value for total, value in zip(sums, session.run(statistics))]
            for variable, total in zip(statistics, sums):
                variable.load(total / count, session)
            with atomic.new_folder(folder, replace=True) as building:
                run_settings.save(building, changed)
                training_images.save(building, checkpoint.trained_on)
                prefix = literal(building / 'model.ckpt')
                saver.save(session, prefix, checkpoint.step, write_state=False)
                folders.name_latest(building, f'model.ckpt-{checkpoint.step}')
    repeated = max(0, count * batch - len(dataset.train))
    told = f'{count * batch - repeated} training images in batches of {batch}'
    print(f'{folder}: statistics of {told}' + f', {repeated} of them twice' * bool(repeated))
    return folder


def _training_graph(dataset, settings, batch):
    """Build a training step in the default graph; return statistics, their update, and a saver."""
    tf.compat.v1.set_random_seed(settings.seed)  # a caller's determinism demands one
    plain = dataclasses.replace(settings, batch_size=batch, loss=CROSS_ENTROPY, augment=False)
    input_fn = training_input_fn(dataset.train, dataset.size, plain)
    images, labels = tf.compat.v1.data.make_one_shot_iterator(input_fn()).get_next()
    step = tf.compat.v1.train.get_or_create_global_step()
    # With momentum 0 the moving statistics are those of the last batch.
    params = {**settings.params, 'batch_norm_momentum': 0.0}
    settings.network.model_fn(images, labels, tf.estimator.ModeKeys.TRAIN, params)
    update = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
    # Without the optimizer's: a published checkpoint has none, and nothing trains on from here.
    variables = [
        variable
        for variable in tf.compat.v1.global_variables()
        if variable.op.name == step.op.name or is_of_inference(variable.op.name)
    ]
    statistics = [v for v in variables if v.op.name.endswith(STATISTICS)]
    return statistics, update, tf.compat.v1.train.Saver(variables)
