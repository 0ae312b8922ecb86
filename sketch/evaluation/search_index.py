"""The vectors of a data set's test images, searched for similar drawings."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketch.data.dataset import FOLDERS
from sketch.data.image_file import read_image
from sketch.data.query_image import read_query
from sketch.errors import InputError
from sketch.evaluation.features import embeddings, feature_vectors, vector_of
from sketch.evaluation.ranking import exponent, from_squared, prepare, squared_distances
from sketch.runs.checkpoints import open_checkpoint


class Query(NamedTuple):
    """A drawing to search with."""

    image: np.ndarray  # uint8 (side, side)
    title: str
    category: str  # None if unknown
    vector: np.ndarray  # (values,)
    index: int  # among the images of the index, None if it is not one of them


class SearchIndex:
    """The vectors of a data set's test images: fc1, or the embedding if a triplet loss made one.

    Args:
        dataset: dataset.Dataset with its test set opened.
        folder: of a checkpoint.
        distance: one of ranking.DISTANCES.

    Attributes:
        vectors: float (images, values).
        labels: int32 (images,).
        key_ids: text (images,).

    Raises:
        InputError: the checkpoint does not fit the data set, or is corrupt.
    """

    def __init__(self, dataset, folder, distance):
        self.dataset, self.distance = dataset, distance
        self.checkpoint = open_checkpoint(folder, dataset)
        vectors, self.labels, self.key_ids = feature_vectors(
            self.checkpoint, dataset.test, dataset.size
        )
        self.vectors = self._compared(vectors)

    def search(self, vector, top, exclude=None):
        """Return the nearest images to a vector: indices and distances, nearest first.

        Args:
            vector: (values,).
            top: how many.
            exclude: index of an image to leave out: the query itself.
        """
        order, distances = nearest(self.vectors, vector, self.distance, top + 1)
        keep = (order != exclude).nonzero()[0][:top]
        return order[keep], distances[keep]

    def category(self, index):
        """Return the name of an image's category."""
        return self.dataset.categories[self.labels[index]]

    def image(self, index):
        """Return an image of the index, uint8 (side, side)."""
        return read_image(self.dataset.test.paths[index])

    def query(self, text):
        """Return the Query that a file name or the key_id of an image of the data set stands for.

        Raises:
            InputError: it is neither.
        """
        if Path(text).is_file():
            image = read_query(text, self.dataset.size)
            return Query(image, Path(text).name, None, self._vector(image), None)
        text = text.removesuffix('.png')
        found = (self.key_ids == text).nonzero()[0]
        if len(found):
            index = found[0]
            category = self.category(index)
            title = f'{category}\n{text}'
            return Query(self.image(index), title, category, self.vectors[index], index)
        for category in self.dataset.categories:
            path = self.dataset.folder / FOLDERS['train'] / category / f'{text}.png'
            if path.is_file():
                image = read_image(path)
                if image.shape != (self.dataset.size, self.dataset.size):
                    raise InputError(f'{path}: not of the size of the test images')
                return Query(image, f'{category}\n{text}', category, self._vector(image), None)
        raise InputError(f'{text}: neither a file nor the key_id of an image in this data set')

    def _vector(self, image):
        return self._compared(vector_of(self.checkpoint, image)[np.newaxis])[0]

    def _compared(self, vectors):
        embedded = embeddings(self.checkpoint, vectors)
        return vectors if embedded is None else embedded


def nearest(vectors, query, distance, top):
    """Return the indices of the vectors nearest to a query and their distances, nearest first.

    Args:
        vectors: (images, values), finite.
        query: (values,), finite.
        distance: one of ranking.DISTANCES; the cosine distance is 1 - cosine.
        top: how many.
    """
    prepared = prepare(np.vstack([vectors, query]), distance)
    squared = squared_distances(prepared[:-1], prepared[-1])
    order = np.argsort(squared, kind='stable')[:top]
    distances = from_squared(squared[order], distance)
    if distance == 'euclidean':
        distances = np.ldexp(distances, exponent(np.vstack([vectors, query])))
    return order, distances
