"""skNet (n1): 8 convolutional layers, 953,508 trainable parameters with 100 classes.

Four blocks of conv, conv, pool, then fc1 and fc2 (paper, figure 1). The published code has 64
filters in every block (sketch/networks/registry.py); figure 1 shows 64, 128, 128, 256.
"""

from sketch.networks.heads import classifier
from sketch.networks.layers import conv, fc1, pool


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
