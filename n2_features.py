"""skResNet with fc1 as its output: the 1024 values of an image's feature vector (section 1)."""

from n2 import skresnet
from sketch.networks.network import feature_extractor


def model_fn(features, labels, mode, params):
    """Build skResNet up to fc1 for the Estimator, from the checkpoints of n2; only predicts."""
    del labels
    return feature_extractor(skresnet, features, mode, params)
