"""Evaluates checkpoints again: accuracy on the training and on the test set (paper, section 2).

    python load.py --data . checkpoints_n1_10e checkpoints_n2_10e

A checkpoint is evaluated with the settings saved beside it. One without settings (the author's
published ones) is recognised by its variables. Each accuracy is printed and recorded in --results.
"""

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.reporting import results
from sketch.runs import folders


def main(argv=None):
    """Parse the command line, evaluate, and return the rows recorded in results.csv."""
    arguments = command_line.parser(__doc__)
    data = arguments.add_argument_group('data and results')
    command_line.add_data(data)
    command_line.add_checkpoints(data)
    command_line.add_results(data)
    command_line.add_measure(data)
    options = arguments.parse_args(argv)
    results.check(options.results)
    chosen = folders.chosen(options.folders, options.checkpoints, options.unfinished)
    splits = command_line.SPLITS[options.measure]
    dataset = open_dataset(options.data, splits)

    from sketch.evaluation import accuracy  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint

    recorded = []
    for folder in chosen:
        checkpoint = open_checkpoint(folder, dataset)
        measured = accuracy.evaluate(checkpoint, dataset, splits)
        recorded += results.print_and_record(options.results, measured)
    return recorded


if __name__ == '__main__':
    command_line.run(main)
