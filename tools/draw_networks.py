"""Draws the networks from the shapes of their graphs (the paper's figures 1 and 2).

    python -m tools.draw_networks --out figures

Leaves figure_1 (skNet) and figure_2 (skResNet) as PNG and SVG, network_n3 for another network. Each
layer is a block whose height grows with the square root of its output's side; side and channels
stand below it. Arcs are the residual sums.
"""

from pathlib import Path

from sketch import command_line
from sketch.backend.setup import tf
from sketch.errors import InputError
from sketch.networks.registry import NETWORKS
from sketch.plotting import save_for_print, subplots
from sketch.runs.settings import Settings

KINDS = {
    'Conv2D': ('conv 3x3, ReLU, batch norm', 'tab:blue'),
    'MaxPool': ('max pooling 3x3, stride 2', 'tab:orange'),
    'AddV2': ("sum with the unit's input", 'tab:green'),
    'MatMul': ('fully connected', 'tab:purple'),
}


def layers(net, size, classes):
    """Return a network's layers in order, as (kind, output side, channels); side 1 if dense.

    Args:
        net: a name in registry.NETWORKS.
        size: side of the images in pixels.
        classes: outputs of the last layer.
    """
    settings = Settings(net, NETWORKS[net].widths, classes, epochs=0)
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, (None, size, size, 1))
        predict = tf.estimator.ModeKeys.PREDICT
        settings.network.model_fn(images, None, predict, settings.params)
        found = []
        for operation in graph.get_operations():
            if operation.type not in KINDS:
                continue
            shape = operation.outputs[0].shape
            if shape.rank and shape[0] is None:  # others compute weights, not layers
                side = shape[1] if shape.rank == 4 else 1
                found.append((operation.type, side, shape[-1]))
    return found


def draw(title, size, found):
    """Return a figure of a network's layers, with the image before them."""
    blocks = [(None, size, 1), *found]
    figure, axes = subplots((max(7, 0.45 * len(blocks) + 0.5), 3.8))  # 7: title and legend
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
            # A unit is two convolutions and the sum; its input is the block before them.
            arc = {'arrowstyle': '->', 'connectionstyle': 'arc3,rad=-0.35', 'color': 'tab:green'}
            top = height / 2
            axes.annotate('', (place, top), (place - 3, top), arrowprops=arc)
    axes.set_ylim(-0.75, 0.75)
    axes.axis('off')
    figure.suptitle(title, fontsize='medium')
    figure.legend(loc='outside lower center', ncols=5, fontsize='small', frameon=False)
    return figure


def main(argv=None):
    """Parse the command line, draw, and return the Paths of the figures, the PNGs."""
    arguments = command_line.parser(__doc__)
    count = command_line.positive_int
    arguments.add_argument(
        '--out',
        type=command_line.output_folder,
        default=Path('figures'),
        help='folder that receives the figures',
    )
    command_line.add_setting(arguments, '--size', type=count, help='side of the images in pixels')
    command_line.add_setting(arguments, '--classes', type=count, help='categories')
    options = arguments.parse_args(argv)
    smallest = max(network.smallest for network in NETWORKS.values())
    if options.size < smallest:
        raise InputError(f'--size {options.size}: all networks take {smallest} pixels or more')
    options.out.mkdir(parents=True, exist_ok=True)
    drawn = []
    for net, network in NETWORKS.items():
        number = network.figure  # only the paper's: plots.py draws figure_3 and others
        label = f'Figure {number}: ' if number else ''
        found = layers(net, options.size, options.classes)
        convolutions = sum(kind == 'Conv2D' for kind, _, _ in found)
        figure = draw(
            f'{label}{network.title}, {convolutions} convolutional layers '
            '(height: square root of the side; below: side² × channels)',
            options.size,
            found,
        )
        name = f'figure_{number}' if number else f'network_{net}'
        drawn.append(save_for_print(figure, options.out, name))
        print(drawn[-1])
    return drawn


if __name__ == '__main__':
    command_line.run(main)
