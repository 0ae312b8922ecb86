"""Precise batch norm: recomputes batch norm's moving statistics; the weights stay the same.

    python -m tools.precise_bn --data . checkpoints_n1_0.25e

Leaves checkpoints_n1_precise-bn_0.25e beside the folder; load.py and mAP.py take it as any other.
In training the statistics lag behind the weights by about 4 / (1 - momentum) steps. In an untrained
network they are the initial values (mean 0, variance 1). This tool runs the final weights on
training images and averages the statistics over the batches.
"""

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.runs import folders
from sketch.runs.settings import Default


def main(argv=None):
    """Parse the command line and write the checkpoints; return their folders."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    command_line.add_checkpoints(arguments)
    arguments.add_argument(
        '--images',
        type=command_line.positive_int,
        default=Default.precise_bn_images,
        help='training images to take',
    )
    options = arguments.parse_args(argv)
    chosen = folders.chosen(options.folders, options.checkpoints, options.unfinished)
    dataset = open_dataset(options.data)

    from sketch.runs.checkpoints import open_checkpoint  # TensorFlow
    from sketch.training.precise_bn import precise_bn

    written = []
    for folder in chosen:
        checkpoint = open_checkpoint(folder, dataset)
        as_trained = checkpoint.settings.content and not checkpoint.settings.precise_bn
        if options.folders or as_trained:
            written.append(precise_bn(checkpoint, dataset, options.images))
    return written


if __name__ == '__main__':
    command_line.run(main)
