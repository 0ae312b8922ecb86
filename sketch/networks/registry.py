"""The networks and the losses, by name. Plain values: importing this loads no TensorFlow."""

TITLES = {'n1': 'skNet', 'n2': 'skResNet'}
CONV_LAYERS = {'n1': 8, 'n2': 17}
# Smallest side of an image in pixels. Below it a pooling window does not fit.
SMALLEST = {'n1': 91, 'n2': 63}

# skNet's output channels per block: in the published code, and so in every published number, and
# as drawn in the paper's figure 1.
FILTERS = (64, 64, 64, 64)
FIGURE_1_FILTERS = (64, 128, 128, 256)

# How a training computes; the names of Keras's policies.
FLOAT32, MIXED_BFLOAT16, MIXED_FLOAT16 = PRECISIONS = ('float32', 'mixed_bfloat16', 'mixed_float16')

# The paper's loss, the one that its conclusions propose to try, and the sum of both.
CROSS_ENTROPY, TRIPLET, BOTH = LOSSES = ('cross-entropy', 'triplet', 'triplet-and-cross-entropy')
