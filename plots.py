"""Draws the paper's figures 3 to 7 from what was measured, beside the paper's own points.

    python plots.py --results results.csv --out figures

Takes the table that train.py, load.py and mAP.py keep. Leaves, as PNG and SVG:
    figure_3             accuracy against epochs
    figure_4, figure_5   accuracy on the training and test set at the largest epoch counts
    figure_6             mAP of fc1 against epochs, in the paper's definition
    figure_7             mAP of fc1 at the largest epoch counts, in the paper's definition
    figure_embedding     mAP of a triplet loss's embedding, beside fc1 of the same run
    figure_compactness   mean distance within over mean distance between categories
A run has a colour and a marker; line styles tell training from test set, and each k. A single epoch
count has a short line, to show its style. A run's first seed has filled markers, its other seeds
have hollow ones and thin lines; bars show the first seed. Bands, and short lines at bars, are 95 %
intervals. The paper's points are pale, its lines wide. The embedding has a figure of its own: the
paper's figures 6 and 7 show fc1, and pairs of bars read best without the other runs.

The paper's points (docs/results/paper_figures.csv) were read off the images of its figures (values
to 0.003, epochs to 0.05). They come from 100 categories of 1000 + 50 drawings.
tools/draw_networks.py draws figures 1 and 2, the networks.
"""

from pathlib import Path

from sketch import atomic, command_line
from sketch.errors import InputError
from sketch.reporting.points import measured, of_paper


def main(argv=None):
    """Parse the command line, draw, and return the Paths of the figures, the PNGs."""
    arguments = command_line.parser(__doc__)
    command_line.add_results(arguments)
    arguments.add_argument(
        '--out',
        type=command_line.output_folder,
        default=Path('figures'),
        help='folder that receives the figures',
    )
    arguments.add_argument(
        '--runs',
        metavar='PATTERN',
        nargs='+',
        default=['*'],
        help='runs to draw: their names without seed and epoch count, with wildcards as in a shell',
    )
    options = arguments.parse_args(argv)
    from sketch.plotting import save_for_print
    from sketch.reporting.figures import FIGURES  # matplotlib

    points, papers = measured(options.results, options.runs), of_paper()
    chosen = {shown: shown.choose(points) for shown in FIGURES}
    if not any(chosen.values()):
        raise InputError(f'{options.results}: has nothing to draw; run load.py and mAP.py')
    drawn = []
    with atomic.made_folder(options.out):
        for shown, its_points in chosen.items():
            if its_points:
                figure = shown.draw(its_points, papers[shown.name])
                drawn.append(save_for_print(figure, options.out, f'figure_{shown.name}'))
            else:
                earlier = options.out / f'figure_{shown.name}.png'
                kept = f'; {earlier} is from earlier' if earlier.exists() else ''
                print(
                    f'figure {shown.name} skipped: no {shown.metric} for it in the runs drawn{kept}'
                )
    print('\n'.join(map(str, drawn)))
    return drawn


if __name__ == '__main__':
    command_line.run(main)
