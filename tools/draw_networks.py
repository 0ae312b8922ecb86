"""Draws the two networks, from the shapes of their graphs (the paper's figures 1 and 2).

    python -m tools.draw_networks --out figures

Leaves figure_1 (skNet) and figure_2 (skResNet), each as PNG and SVG: one block per layer, as high
as the root of its output's side, with side and channels below; the arcs are the residual sums.
"""

from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

import n1
import n2
from plots import save
from sketch import command_line
from sketch.errors import InputError
from sketch.runs.names import TITLES
from sketch.tensorflow_setup import tf

KINDS = {
    'Conv2D': ('conv 3x3, ReLU, batch norm', 'tab:blue'),
    'MaxPool': ('max pooling 3x3, stride 2', 'tab:orange'),
    'AddV2': ("sum with the unit's input", 'tab:green'),
    'MatMul': ('fully connected', 'tab:purple'),
}


def layers(module, size, classes, filters=n1.FILTERS):
    """Return a network's layers in order, as (kind, output side, channels); side 1 if dense.

    Args:
        module: n1 or n2.
        size: side of the images in pixels.
        classes: outputs of the last layer.
        filters: skNet's widths.
    """
    params = {'classes': classes, 'filters': filters, 'batch_norm_momentum': 0.99}
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, (None, size, size, 1))
        module.model_fn(images, None, tf.estimator.ModeKeys.PREDICT, params)
        found = []
        for operation in graph.get_operations():
            if operation.type not in KINDS:
                continue
            shape = operation.outputs[0].shape
            if shape.rank and shape[0] is None:  # else it makes weights
                side = shape[1] if shape.rank == 4 else 1
                found.append((operation.type, side, shape[-1]))
    return found


def draw(title, size, found):
    """Return a figure of a network's layers, the image before them."""
    blocks = [(None, size, 1), *found]
    figure, axes = plt.subplots(figsize=(0.45 * len(blocks) + 0.5, 3.8), layout='constrained')
    shown = set()
    for place, (kind, side, channels) in enumerate(blocks):
        label, colour = KINDS.get(kind, ('image', 'lightgrey'))
        height = side**0.5 / size**0.5
        axes.bar(
            place,
            height,
            0.6,
            bottom=-height / 2,
            color=colour,
            edgecolor='black',
            linewidth=0.5,
            label=None if label in shown else label,
        )
        shown.add(label)
        shape = f'{side}²\n×{channels}' if side > 1 else str(channels)
        axes.text(place, -0.56, shape, ha='center', va='top', fontsize=7)
        if kind == 'AddV2':
            # A unit is two convolutions and the sum; what is added comes from before it.
            arc = {'arrowstyle': '->', 'connectionstyle': 'arc3,rad=-0.35', 'color': 'tab:green'}
            top = height / 2
            axes.annotate('', (place, top), (place - 3, top), arrowprops=arc)
    axes.set_ylim(-0.75, 0.75)
    axes.axis('off')
    figure.suptitle(title, fontsize='medium')
    figure.legend(loc='outside lower center', ncols=5, fontsize='small', frameon=False)
    return figure


def main(argv=None):
    """Parse the command line and draw."""
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add('--out', type=Path, default=Path('figures'), help='folder that receives the figures')
    add('--size', type=command_line.positive_int, default=128, help='side of the images, pixels')
    add('--classes', type=command_line.positive_int, default=100, help='categories')
    options = arguments.parse_args(argv)
    smallest = max(module.SMALLEST for module in (n1, n2))
    if options.size < smallest:
        raise InputError(f'--size {options.size}: both networks take {smallest} pixels or more')
    options.out.mkdir(parents=True, exist_ok=True)
    for number, module in enumerate((n1, n2), 1):
        found = layers(module, options.size, options.classes)
        convolutions = sum(kind == 'Conv2D' for kind, _, _ in found)
        title = TITLES[f'n{number}']
        figure = draw(
            f'Figure {number}: {title}, {convolutions} convolutional layers '
            '(height: by the root of the side; below: side² × channels)',
            options.size,
            found,
        )
        print(save(figure, options.out, f'figure_{number}'))


if __name__ == '__main__':
    command_line.run(main)
