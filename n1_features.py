"""skNet with fc1 as its output: the 1024 values of an image's feature vector (section 1)."""

from n1 import sknet
from sketch.networks.network import feature_extractor


def model_fn(features, labels, mode, params):
    """Build skNet up to fc1 for the Estimator, from the checkpoints of n1; only predicts."""
    del labels
    return feature_extractor(sknet, features, mode, params)
