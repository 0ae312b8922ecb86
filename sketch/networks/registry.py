"""The networks and the losses, by name. Plain values: importing this loads no TensorFlow."""

from typing import NamedTuple


class Network(NamedTuple):
    """All that the code must know of a network before it loads its modules, n1 and n1_features."""

    title: str
    conv_layers: int  # without settings.json, a checkpoint is recognised by this number
    smallest: int  # side of an image in pixels; below it a pooling window does not fit
    # Output channels of each block, which --filters replaces; all blocks have equally many
    # convolutions. () if they are fixed.
    widths: tuple
    colours: tuple  # of its runs in figures, two or more
    figure: int = None  # of the paper, which draws it
    figure_widths: tuple = None  # there, if they are not `widths`


NETWORKS = {
    'n1': Network(
        title='skNet',
        conv_layers=8,
        smallest=91,
        widths=(64, 64, 64, 64),  # of the published code, and so of every published number
        colours=('tab:blue', 'tab:cyan', 'navy', 'tab:green'),  # cold
        figure=1,
        figure_widths=(64, 128, 128, 256),
    ),
    'n2': Network(
        title='skResNet',
        conv_layers=17,
        smallest=63,
        widths=(),
        colours=('tab:red', 'tab:orange', 'darkred', 'tab:purple'),  # warm
        figure=2,
    ),
}

# How a training computes; the names of Keras's policies.
FLOAT32, MIXED_BFLOAT16, MIXED_FLOAT16 = PRECISIONS = ('float32', 'mixed_bfloat16', 'mixed_float16')

# The paper's loss, the one that its conclusions propose to try, and the sum of both.
CROSS_ENTROPY, TRIPLET, BOTH = LOSSES = ('cross-entropy', 'triplet', 'triplet-and-cross-entropy')
