"""The vectors of a data set's test images, searched for similar drawings.

An index keeps the network and the vectors in memory, ready for one query after another.
"""

import contextlib
import functools
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketch.data.dataset import FOLDERS
from sketch.data.image_file import read_image
from sketch.data.query_image import read_query
from sketch.errors import InputError
from sketch.evaluation.features import feature_vectors
from sketch.evaluation.loaded_network import LoadedNetwork
from sketch.metrics.neighbours import Neighbours
from sketch.networks.registry import TRIPLET
from sketch.runs.checkpoints import open_checkpoint


class Query(NamedTuple):
    """A drawing to search with."""

    image: np.ndarray  # uint8 (side, side)
    title: str
    category: str  # None if unknown
    fc1: np.ndarray  # (1024,)
    vector: np.ndarray  # (values,), which is compared
    index: int  # among the images of the index, None if it is not one of them


class SearchIndex(contextlib.AbstractContextManager):
    """The vectors of a data set's test images: fc1, or the embedding if a triplet loss made one.

    It holds a session: close it, or use `with`. Threads may share it, as they may a LoadedNetwork.

    Args:
        dataset: dataset.Dataset with its test set opened.
        folder: of a checkpoint.
        distance: one of ranking.DISTANCES.

    Attributes:
        fc1: float32 (images, 1024).
        vectors: float (images, values), which are compared.
        labels: int32 (images,).
        key_ids: text (images,).
        network: LoadedNetwork of the checkpoint.

    Raises:
        InputError: the checkpoint does not fit the data set, or is corrupt.
    """

    def __init__(self, dataset, folder, distance):
        self.dataset, self.distance = dataset, distance
        self.checkpoint = open_checkpoint(folder, dataset)
        self.fc1, self.labels, self.key_ids = feature_vectors(
            self.checkpoint, dataset.test, dataset.size
        )
        self.network = LoadedNetwork(self.checkpoint, dataset.size)
        self.vectors = self._compared(self.fc1)
        self._neighbours = {distance: Neighbours(self.vectors, distance)}

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Free the session."""
        self.network.close()

    @property
    def title(self):
        """Which run, distance and vectors decide what is found."""
        vectors = 'the embedding' if self.checkpoint.settings.has_triplets else 'fc1'
        return f'{self.checkpoint.run}: {self.distance} distance of {vectors}'

    def search(self, vector, top, exclude=None, *, distance=None, leading=None):
        """Return the nearest images to a vector: indices and distances, nearest first.

        Args:
            vector: (values,).
            top: how many.
            exclude: index of an image to leave out: the query itself.
            distance: one of ranking.DISTANCES; None is that of the index.
            leading: bool (images,), images that come before all others, such as same_class.
        """
        distance = distance or self.distance
        if distance not in self._neighbours:
            self._neighbours[distance] = Neighbours(self.vectors, distance)
        order, distances = self._neighbours[distance].nearest(vector, top + 1, leading)
        keep = (order != exclude).nonzero()[0][:top]
        return order[keep], distances[keep]

    def predict(self, fc1):
        """Return the predicted category of each image: a list of (category, probability in 0..1).

        The category is one of those that the network was trained on. The list holds None for every
        image if the network's categories are unknown, or if its classifier is untrained. `fc1` is
        float (images, 1024).
        """
        categories = self.checkpoint.settings.categories
        if not self.has_classifier or categories is None:
            return [None] * len(fc1)
        probabilities = self.network.outputs.class_probabilities(fc1)
        return [(categories[row.argmax()], float(row.max())) for row in probabilities]

    @property
    def has_classifier(self):
        """Whether the network's classifier is trained: a triplet loss alone does not train it."""
        return self.checkpoint.settings.loss != TRIPLET

    @property
    def lacks_classes(self):
        """Why images of the query's class cannot come first, text; None if they can."""
        return self.checkpoint.lacks_classes(self.dataset)

    @functools.cached_property
    def classified(self):
        """The class that the network gives each image, int64 (images,), of its own labels."""
        return self.network.outputs.class_probabilities(self.fc1).argmax(axis=1)

    def same_class(self, fc1):
        """Return which images the network gives the class of a query's fc1, bool (images,).

        The paper's conclusions propose to retrieve these first.
        """
        probabilities = self.network.outputs.class_probabilities(fc1[np.newaxis])
        return self.classified == probabilities.argmax()

    def category(self, index):
        """Return the name of an image's category."""
        return self.dataset.categories[self.labels[index]]

    def image(self, index):
        """Return an image of the index, uint8 (side, side)."""
        return read_image(self.dataset.test.paths[index])

    def query(self, text):
        """Return the Query that a file name or the key_id of an image of the data set stands for.

        Raises:
            InputError: it is neither, the file is not a picture that read_query accepts, or the
                image of the data set is corrupt or not of the size of the test images.
        """
        if Path(text).is_file():
            return self.query_of(read_query(text, self.dataset.size), Path(text).name)
        key_id = text.removesuffix('.png').removesuffix('.PNG')
        found = (self.key_ids == key_id).nonzero()[0]
        if len(found):
            index = found[0]
            image, category = self.image(index), self.category(index)
            vectors = self.fc1[index], self.vectors[index]
            return Query(image, f'{category}\n{key_id}', category, *vectors, index)
        for category, ending in itertools.product(self.dataset.categories, ('.png', '.PNG')):
            path = self.dataset.folder / FOLDERS['train'] / category / f'{key_id}{ending}'
            if path.is_file():
                image = read_image(path)
                if image.shape != (self.dataset.size, self.dataset.size):
                    raise InputError(
                        f'{path}: not of the size of the test images; make the data set again'
                    )
                return self.query_of(image, f'{category}\n{key_id}', category)
        raise InputError(f'{text}: neither a file nor the key_id of an image in this data set')

    def query_of(self, image, title, category=None):
        """Return the Query of an image, uint8 (side, side), that is not in the index.

        Raises:
            InputError: the network gives NaN or infinity.
        """
        fc1 = self.network.fc1(image[np.newaxis])
        return Query(image, title, category, fc1[0], self._compared(fc1)[0], None)

    def _compared(self, fc1):
        """Return what is compared of feature vectors: float (images, values)."""
        embedded = self.network.outputs.embedding(fc1)
        return fc1 if embedded is None else embedded
