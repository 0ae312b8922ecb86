"""Answers the page's queries from a SearchIndex: classes, and the most similar test images."""

import base64
import hashlib
import io
import os

import numpy as np

from sketch.data import raster
from sketch.data.simplify import simplify
from sketch.networks.registry import NETWORKS
from sketch.page import queries
from sketch.runs.names import number_text

CLASSES = 5  # shown with their probabilities


class Answers:
    """What the page can ask for. Threads may share it, as they may a SearchIndex.

    Args:
        index: search_index.SearchIndex.
    """

    def __init__(self, index):
        self._index = index
        self._states = [_state(os.stat(path)) for path in index.dataset.test.paths]
        # The first query need not wait for what these make.
        self.find_drawn([np.zeros((1, 2))])
        self.find_like(0, distance='cosine', class_first=True)
        self.find_like(0)

    def about(self):
        """Return what the page says of the network and the data set: a dict for JSON."""
        index = self._index
        checkpoint, dataset = index.checkpoint, index.dataset.digest
        settings = checkpoint.settings
        served = f'{dataset}/{checkpoint.run}/{checkpoint.step}/{checkpoint.weights}'.encode()
        return {
            'served': hashlib.sha256(served).hexdigest()[:16],
            'dataset': dataset,
            'run': checkpoint.run,
            'network': NETWORKS[settings.net].title,
            'epochs': None if settings.epochs is None else number_text(settings.epochs),
            'images': len(index.labels),
            'categories': index.dataset.categories,
            'has_classifier': index.has_classifier,
            'has_class_order': index.lacks_classes is None,
            'most_strokes': queries.STROKES,
            'most_points': queries.POINTS,
        }

    def image(self, number):
        """Return the content of a test image's file; None if it has changed or is gone."""
        try:
            with open(self._index.dataset.test.paths[number], 'rb') as file:
                intact = _state(os.fstat(file.fileno())) == self._states[number]
                return file.read() if intact else None
        except OSError:
            return None

    def find_drawn(self, strokes, **order):
        """Return what a drawing finds: a dict for JSON.

        Args:
            strokes: float (points, 2) arrays of x, y, as simplify takes them: in any unit, all of
                them inside of the drawing.
            order: as of find_like.

        Raises:
            InputError: the network gives NaN or infinity.
        """
        image = raster.draw(simplify(strokes), self._index.dataset.size)
        query = self._index.query_of(np.asarray(image), '')
        png = io.BytesIO()
        image.save(png, 'PNG')
        seen = 'data:image/png;base64,' + base64.b64encode(png.getvalue()).decode()
        return {'seen': seen, 'category': None, **self._found(query.fc1, query.vector, **order)}

    def find_like(self, number, **order):
        """Return what a test image finds: a dict for JSON.

        Args:
            number: index of the test image.
            order: distance, one of ranking.DISTANCES; class_first, whether images of the query's
                class come first; top, how many images.
        """
        index = self._index
        found = self._found(index.fc1[number], index.vectors[number], exclude=number, **order)
        return {'seen': None, 'category': index.category(number), **found}

    def _found(self, fc1, vector, *, exclude=None, distance=None, class_first=False, top=24):
        index = self._index
        can_lead = class_first and index.lacks_classes is None
        leading = index.same_class(fc1) if can_lead else None
        order, distances = index.search(vector, top, exclude, distance=distance, leading=leading)
        results = [
            {
                'index': int(image),
                'category': index.category(image),
                'key_id': str(index.key_ids[image]),
                'distance': float(distance),
            }
            for image, distance in zip(order, distances)
        ]
        leads = None if leading is None else int(leading[order].sum())
        return {'classes': self._classes(fc1), 'results': results, 'leading': leads}

    def _classes(self, fc1):
        """Return the most probable classes, best first; [] if their names are unknown."""
        index = self._index
        names = index.checkpoint.settings.categories
        if names is None or not index.has_classifier:
            return []
        (probabilities,) = index.network.outputs.class_probabilities(fc1[np.newaxis])
        best = np.argsort(-probabilities, kind='stable')[:CLASSES]
        return [
            {'category': names[label], 'probability': float(probabilities[label])} for label in best
        ]


def _state(status):
    """Return what tells that a file is another one."""
    return status.st_size, status.st_mtime_ns
