"""Draws the networks from the shapes of their graphs (the paper's figures 1 and 2).

    python -m tools.draw_networks --out figures

Leaves figure_1 (skNet) and figure_2 (skResNet) as PNG and SVG, network_n3 for another network, for
images of 128x128 pixels in 100 classes. Each layer is a block whose height grows with the square
root of its output's side; side and channels stand below it. Arcs are the residual sums.
"""

from pathlib import Path

from sketch import atomic, command_line
from sketch.backend.setup import tf
from sketch.networks.registry import NETWORKS
from sketch.plotting import save_for_print, subplots
from sketch.runs.settings import Default, Settings

KINDS = {
    'Conv2D': ('conv 3x3, ReLU, batch norm', 'tab:blue'),
    'MaxPool': ('max pooling 3x3, stride 2', 'tab:orange'),
    'AddV2': ("sum with the unit's input", 'tab:green'),
    'MatMul': ('fully connected', 'tab:purple'),
}


def layers(net):
    """Return a network's layers in order, as (kind, output side, channels); side 1 if dense."""
    settings = Settings(net, NETWORKS[net].widths, Default.classes, epochs=0)
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, (None, Default.size, Default.size, 1))
        predict = tf.estimator.ModeKeys.PREDICT
        settings.network.model_fn(images, None, predict, settings.params)
    kinds = [operation for operation in graph.get_operations() if operation.type in KINDS]
    shapes = [(operation.type, operation.outputs[0].shape) for operation in kinds]
    return [
        (kind, shape[1] if shape.rank == 4 else 1, shape[-1])
        for kind, shape in shapes
        if shape.rank and shape[0] is None  # others compute weights, not layers
    ]


def draw(title, found):
    """Return a figure of a network's layers, with the image before them."""
    blocks = [(None, Default.size, 1), *found]
    figure, axes = subplots((max(7, 0.45 * len(blocks) + 0.5), 3.8))  # 7: title and legend
    shown = set()
    for place, (kind, side, channels) in enumerate(blocks):
        label, colour = KINDS.get(kind, ('image', 'lightgrey'))
        height = (side / Default.size) ** 0.5
        style = {'color': colour, 'edgecolor': 'black', 'linewidth': 0.5}
        new = None if label in shown else label
        axes.bar(place, height, 0.6, bottom=-height / 2, label=new, **style)
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
    add, place = arguments.add_argument, command_line.output_folder
    add('--out', type=place, default=Path('figures'), help='folder that receives the figures')
    options = arguments.parse_args(argv)
    drawn = []
    with atomic.made_folder(options.out):
        for net, network in NETWORKS.items():
            number = network.figure  # only the paper's: plots.py draws figure_3 and others
            label = f'Figure {number}: ' if number else ''
            found = layers(net)
            convolutions = sum(kind == 'Conv2D' for kind, _, _ in found)
            figure = draw(
                f'{label}{network.title}, {convolutions} convolutional layers '
                '(height: square root of the side; below: side² × channels)',
                found,
            )
            name = f'figure_{number}' if number else f'network_{net}'
            drawn.append(save_for_print(figure, options.out, name))
            print(drawn[-1])
    return drawn


if __name__ == '__main__':
    command_line.run(main)
