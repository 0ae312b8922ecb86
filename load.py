"""Evaluates checkpoints again: accuracy on the training and on the test set (paper, section 2).

    python load.py --data . checkpoints_n1_10e checkpoints_n2_10e

Without a folder, every checkpoints_* in --checkpoints. A checkpoint is evaluated with the settings
saved beside it; one without (the author's published ones) is recognised by its variables. Each
accuracy is printed and kept in --results.
"""

import tempfile

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.data.input_pipeline import evaluation_input_fn
from sketch.evaluation import results
from sketch.networks.network import TRIPLET
from sketch.runs import checkpoints
from sketch.runs.checkpoints import NETWORKS
from sketch.runs.names import TITLES
from sketch.tensorflow_setup import tf
from sketch.training.distribution import alone


def accuracy(checkpoint, split, size):
    """Return the fraction of a split's images that a Checkpoint classifies right.

    Args:
        checkpoint: checkpoints.Checkpoint.
        split: dataset.Split.
        size: side of its images in pixels.
    """
    alone()
    # Evaluation writes summaries into model_dir; a checkpoint's own folder is only read.
    with tempfile.TemporaryDirectory() as model_dir:
        settings = checkpoint.settings
        model_fn = NETWORKS[settings.net].model_fn
        estimator = tf.estimator.Estimator(model_fn, model_dir, params=settings.params)
        measured = estimator.evaluate(
            evaluation_input_fn(split, size), checkpoint_path=checkpoint.prefix
        )
    if round(measured['images']) != len(split):
        raise RuntimeError(f'evaluated {measured["images"]:.0f} of {len(split)} images')
    right = round(float(measured['accuracy']) * len(split))
    return right / len(split)


def measurements(checkpoint, dataset, split):
    """Return the columns of results.csv that every measurement of a checkpoint shares."""
    settings = checkpoint.settings
    return {
        'run': checkpoint.folder.resolve().name,
        'net': settings.net,
        'filters': '-'.join(map(str, settings.filters)),
        'size': dataset.size,
        'batch': settings.batch_size,
        'epochs': settings.epochs,
        'step': checkpoint.step,
        'split': split.name,
        'images': len(split),
        'classes': dataset.classes,
        'seed': settings.seed,
    }


def evaluate(checkpoint, dataset, results_file, splits=('train', 'test')):
    """Measure, print and record a Checkpoint's accuracy on splits; return {split: value}.

    One that was trained without classes has none, which is said.
    """
    folder, settings = checkpoint.folder, checkpoint.settings
    if settings.loss == TRIPLET:
        print(f'{folder}: trained by the triplet loss alone, which classifies nothing: no accuracy')
        return {}
    values = {}
    for split in [getattr(dataset, name) for name in splits]:
        value = accuracy(checkpoint, split, dataset.size)
        row = {**measurements(checkpoint, dataset, split), 'metric': 'accuracy', 'value': value}
        results.record(results_file, [row])
        values[split.name] = value
    said = ', '.join(
        f'{value:.4f} on {len(getattr(dataset, name))} {name} images'
        for name, value in values.items()
    )
    print(f'{folder}: {TITLES[settings.net]}, step {checkpoint.step}: accuracy {said}')
    if settings.categories is None:
        print(
            f'{folder}: which categories it was trained on is not known; unless they are those of '
            f'{dataset.folder} in that order, this accuracy is chance and only mAP means something'
        )
    elif settings.categories != dataset.categories:
        print(
            f'{folder}: trained on other categories than those of {dataset.folder}: this accuracy '
            'is chance, only mAP means something here'
        )
    return values


def main(argv=None):
    """Parse the command line and evaluate."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    command_line.add_checkpoints(arguments)
    command_line.add_results(arguments)
    command_line.add_measure(arguments)
    options = arguments.parse_args(argv)
    results.read(options.results)  # whether it is such a table, before the work
    folders = options.folders or checkpoints.find(options.checkpoints)
    splits = command_line.SPLITS[options.measure]
    dataset = open_dataset(options.data, splits)
    for folder in folders:
        evaluate(checkpoints.open_checkpoint(folder, dataset), dataset, options.results, splits)


if __name__ == '__main__':
    command_line.run(main)
