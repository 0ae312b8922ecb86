"""skNet (n1): 8 convolutional layers, 953,508 trainable parameters with 100 classes.

Four blocks of conv, conv, pool, then fc1 and fc2 (paper, figure 1; widths of the published code).
"""

from sketch.networks.network import classifier, conv, fc1, pool

FILTERS = (64, 64, 64, 64)  # per block, in the published code and so in every published number
FIGURE_1_FILTERS = (64, 128, 128, 256)  # as drawn in the paper's figure 1
SMALLEST = 91  # pixels: below this side a pooling window does not fit


def sknet(images, training, params):
    """Return fc1, float32 (batch, 1024), of images float32 (batch, side, side, 1) in 0..255.

    `params` gives filters (4 integers) and batch_norm_momentum.
    """
    x, momentum = images, params['batch_norm_momentum']
    for filters in params['filters']:
        x = conv(x, filters, training, momentum)
        x = conv(x, filters, training, momentum)
        x = pool(x)
    return fc1(x)


def model_fn(features, labels, mode, params):
    """Build skNet for the Estimator: classes and logits, loss, training step."""
    return classifier(sknet, features, labels, mode, params)
