"""skResNet with fc1 as its output: 1024 values, an image's feature vector (paper, section 1)."""

from n2 import skresnet
from sketch.networks.heads import feature_extractor


def model_fn(features, labels, mode, params):
    """Build skResNet up to fc1 for the Estimator, from the checkpoints of n2; it only predicts."""
    del labels
    return feature_extractor(skresnet, features, mode, params)
