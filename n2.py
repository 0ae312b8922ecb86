"""skResNet (n2): 17 convolutional layers, 10,757,284 trainable parameters with 100 classes.

The layers are those of the paper's figure 2, widths and padding those of the published code.
"""

from sketch.networks.heads import classifier
from sketch.networks.layers import conv, fc1, pool, residual

FILTERS = (64, 128, 256)  # of the three groups of residual units


def skresnet(images, training, params):
    """Return fc1, float32 (batch, 1024), of images float32 (batch, side, side, 1) in 0..255.

    `params` gives batch_norm_momentum.
    """
    momentum = params['batch_norm_momentum']
    x = conv(images, FILTERS[0], training, momentum)
    for filters in FILTERS:
        x = conv(x, filters, training, momentum)
        x = pool(x)
        x = residual(x, filters, training, momentum)
        x = residual(x, filters, training, momentum)
    x = conv(x, FILTERS[-1], training, momentum)
    x = pool(x)
    return fc1(x)


def model_fn(features, labels, mode, params):
    """Build skResNet for the Estimator: classes and logits, loss, training step."""
    return classifier(skresnet, features, labels, mode, params)
