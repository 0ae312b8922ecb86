"""What follows fc1: class probabilities, and the embedding of a triplet loss."""

import numpy as np

from sketch.backend.patterns import literal
from sketch.backend.setup import tf

FC2 = 'ConvNet/dense_1'  # the last layer's name in the published checkpoints
EMBEDDING = 'ConvNet/embedding/kernel'


class Outputs:
    """The layers after fc1. They are small: NumPy computes them, in float64, without a session.

    Args:
        checkpoint: checkpoints.Checkpoint. It is read once, here.

    Attributes:
        kernel, bias: of fc2, float64 (1024, classes) and (classes,).
        to_embedding: float64 (1024, embedding size), None without a triplet loss.
    """

    def __init__(self, checkpoint):
        reader = tf.train.load_checkpoint(literal(checkpoint.prefix))
        self.kernel = reader.get_tensor(f'{FC2}/kernel').astype(np.float64)
        self.bias = reader.get_tensor(f'{FC2}/bias').astype(np.float64)
        self.to_embedding = None
        if checkpoint.settings.has_triplets:
            self.to_embedding = reader.get_tensor(EMBEDDING).astype(np.float64)

    def class_probabilities(self, fc1):
        """Return the softmax of fc2, float64 (images, classes), of fc1, float (images, 1024)."""
        logits = fc1.astype(np.float64) @ self.kernel + self.bias
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def embedding(self, fc1):
        """Return the embedding of fc1, float64 (images, embedding size) of length 1 (or 0).

        None for a checkpoint that was trained without a triplet loss.
        """
        if self.to_embedding is None:
            return None
        embedded = fc1.astype(np.float64) @ self.to_embedding
        return embedded / np.maximum(np.linalg.norm(embedded, axis=1, keepdims=True), 1e-12)
