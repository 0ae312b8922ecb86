"""Re-estimates batch normalisation's moving statistics on training images, and nothing else.

    python -m tools.precise_bn --data . checkpoints_n1_0.25e

leaves checkpoints_n1_reestimated_0.25e beside it, which load.py and mAP.py take as any other. The
statistics of training trail behind the weights by some 4 / (1 - momentum) steps, and those of an
untrained network are none (mean 0, variance 1); here they are the mean over batches of what the
weights, as they are, make of training images. It takes one pass, forward.
"""

import dataclasses
import math

import numpy as np
from tqdm import tqdm

from sketch import atomic, command_line
from sketch.data.dataset import open_dataset
from sketch.data.input_pipeline import EVALUATION_BATCH, training_input_fn
from sketch.errors import InputError
from sketch.runs import checkpoints
from sketch.runs.checkpoints import NETWORKS
from sketch.runs.names import TITLES
from sketch.tensorflow_setup import tf
from sketch.training.failures import explained

STATISTICS = ('moving_mean', 'moving_variance')


def reestimate(checkpoint, dataset, images):
    """Write the checkpoint with statistics of training images; return its folder.

    Args:
        checkpoint: checkpoints.Checkpoint, of train.py.
        dataset: dataset.Dataset, its training set opened.
        images: how many training images to take, rounded up to batches of 128.

    Raises:
        InputError: the checkpoint has no settings, its statistics were re-estimated before, it was
            trained on other images, or the disk is full.
    """
    settings = checkpoint.settings
    if settings.dataset is None or settings.reestimated:
        raise InputError(f'{checkpoint.folder}: give a folder as train.py leaves it')
    if settings.dataset != dataset.digest:
        raise InputError(
            f'{checkpoint.folder}: not trained on the images of {dataset.folder}; give its --data'
        )
    changed = dataclasses.replace(settings, reestimated=True)
    folder = checkpoint.folder.resolve().parent / changed.folder_name
    batch = min(EVALUATION_BATCH, len(dataset.train))
    count = math.ceil(min(images, len(dataset.train)) / batch)
    with tf.Graph().as_default():
        input_fn = training_input_fn(dataset.train, dataset.size, batch, settings.seed)
        drawings, labels = tf.compat.v1.data.make_one_shot_iterator(input_fn()).get_next()
        tf.compat.v1.train.get_or_create_global_step()
        # With momentum 0 the moving statistics are those of the last batch.
        params = {**settings.params, 'batch_norm_momentum': 0.0}
        NETWORKS[settings.net].model_fn(drawings, labels, tf.estimator.ModeKeys.TRAIN, params)
        update = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
        variables = tf.compat.v1.global_variables()
        statistics = [v for v in variables if v.op.name.endswith(STATISTICS)]
        saver = tf.compat.v1.train.Saver(variables)
        with tf.compat.v1.Session() as session:
            saver.restore(session, checkpoint.prefix)
            sums = [np.zeros(v.shape, np.float64) for v in statistics]
            for _ in tqdm(range(count), f'{TITLES[settings.net]}, statistics', disable=None):
                session.run(update)
                sums = [total + value for total, value in zip(sums, session.run(statistics))]
            for variable, total in zip(statistics, sums):
                variable.load(total / count, session)
            folder.mkdir(exist_ok=True)
            with atomic.exclusive(folder, 'training'), explained(folder, checkpoint.step):
                prefix = str(folder / 'model.ckpt')
                atomic.write_json(folder / checkpoints.SETTINGS, dataclasses.asdict(changed))
                saver.save(session, prefix, checkpoint.step, write_state=False)
                checkpoints.name_latest(folder, f'model.ckpt-{checkpoint.step}')
    print(f'{folder}: statistics of {count} batches of {batch} training images')
    return folder


def main(argv=None):
    """Parse the command line and re-estimate."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    command_line.add_checkpoints(arguments)
    arguments.add_argument(
        '--images', type=command_line.positive_int, default=1024, help='training images to take'
    )
    options = arguments.parse_args(argv)
    dataset = open_dataset(options.data)
    for folder in options.folders or checkpoints.find(options.checkpoints):
        checkpoint = checkpoints.open_checkpoint(folder, dataset)
        as_trained = checkpoint.settings.dataset and not checkpoint.settings.reestimated
        if options.folders or as_trained:
            reestimate(checkpoint, dataset, options.images)


if __name__ == '__main__':
    command_line.run(main)
