"""skNet with fc1 as its output: 1024 values, an image's feature vector (paper, section 1)."""

from n1 import sknet
from sketch.networks.heads import feature_extractor


def model_fn(features, labels, mode, params):
    """Build skNet up to fc1 for the Estimator, from the checkpoints of n1; it only predicts."""
    del labels
    return feature_extractor(sknet, features, mode, params)
