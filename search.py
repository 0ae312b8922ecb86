"""Shows which test images are most similar to a query (paper, section 2).

    python search.py --data . --checkpoint checkpoints_n2_10e drawing.png
    python search.py --data . --checkpoint checkpoints_n2_10e 4897919444451328
    python search.py --data . --checkpoint checkpoints_n2_10e --gallery worst

A query is a PNG of any size and tone, or the key_id of an image of the data set. It is compared by
fc1, or by the embedding if the checkpoint was trained with a triplet loss. Prints rank, category,
key_id and distance of each answer, and draws query and answers, the right ones framed
green, the others red (grey where the query's category is not known). A gallery shows the test
images whose answers are best or worst, or some at random.
"""

import math
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backend_bases import FigureCanvasBase
from PIL import Image

from mAP import check_queries
from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.data.query_image import read_query
from sketch.data.raster import WHITE
from sketch.errors import InputError
from sketch.evaluation.average_precision import READINGS, retrieve
from sketch.evaluation.ranking import DISTANCES, prepare, squared_distances


def nearest(vectors, query, distance, top):
    """Return the indices of the nearest vectors and their distances, nearest first.

    Args:
        vectors: (images, values), finite.
        query: (values,), finite.
        distance: one of ranking.DISTANCES; the cosine distance is 1 - cosine.
        top: how many.
    """
    prepared = prepare(np.vstack([vectors, query]), distance)
    squared = squared_distances(prepared[:-1], prepared[-1])
    order = np.argsort(squared, kind='stable')[:top]
    return order, np.sqrt(squared[order]) if distance == 'euclidean' else squared[
        order
    ] / 2  # |q-x|^2 = 2 - 2 cos


def draw(rows, path):
    """Draw queries and their answers.

    Args:
        rows: list of (query's image, its title, its category or None, answers), each answer an
            (image, category, distance).
        path: of the picture.
    """
    columns = 1 + max(len(answers) for *_, answers in rows)
    figure, all_axes = plt.subplots(
        len(rows), columns, figsize=(1.25 * columns, 1.65 * len(rows)), squeeze=False,
        layout='constrained',
    )  # fmt: skip
    for axes_row, (image, title, category, answers) in zip(all_axes, rows):
        for axes in axes_row:
            axes.set(xticks=[], yticks=[])
            axes.axis('off')
        cells = [(image, title, 'black')]
        for answer, name, distance in answers:
            colour = 'grey' if category is None else 'tab:green' if name == category else 'tab:red'
            cells.append((answer, f'{name}\n{distance:.4g}', colour))
        for axes, (picture, text, colour) in zip(axes_row, cells):
            axes.axis('on')
            axes.imshow(picture, cmap='gray', vmin=0, vmax=WHITE)
            axes.set_title(text, fontsize=7)
            for spine in axes.spines.values():
                spine.set(color=colour, linewidth=2)
    figure.savefig(path, dpi=120)
    plt.close(figure)


class Collection:
    """The test images of a data set as a checkpoint sees them."""

    def __init__(self, dataset, folder, distance):
        # TensorFlow takes seconds to load; the command line is checked before.
        from sketch.evaluation.features import feature_vectors
        from sketch.runs.checkpoints import open_checkpoint

        self.dataset, self.distance = dataset, distance
        self.checkpoint = open_checkpoint(folder, dataset)
        vectors, self.labels, self.key_ids = feature_vectors(
            self.checkpoint, dataset.test, dataset.size
        )
        self.vectors = self._compared(vectors)

    def answers(self, vector, top, without=None):
        """Return indices and distances of the images nearest to a vector, `without` left out."""
        order, distances = nearest(self.vectors, vector, self.distance, top + 1)
        keep = (order != without).nonzero()[0][:top]
        return order[keep], distances[keep]

    def category(self, index):
        """Return the category's name of an image."""
        return self.dataset.categories[self.labels[index]]

    def shown(self, order, distances):
        """Return answers as `draw` takes them."""
        return [
            (_pixels(self.dataset.test.paths[index]), self.category(index), distance)
            for index, distance in zip(order, distances)
        ]

    def query(self, text):
        """Return what a query is: image, title, category, vector, its index among the answers.

        Raises:
            InputError: neither a file nor a key_id of the data set.
        """
        if Path(text).is_file():
            image = read_query(text, self.dataset.size)
            return image, Path(text).name, None, self._vector(image), None
        found = (self.key_ids == text).nonzero()[0]
        if len(found):
            index = found[0]
            image, category = _pixels(self.dataset.test.paths[index]), self.category(index)
            return image, f'{category}\n{text}', category, self.vectors[index], index
        for category in self.dataset.categories:
            path = self.dataset.folder / 'training' / category / f'{text}.png'
            if path.is_file():
                image = _pixels(path)
                return image, f'{category}\n{text}', category, self._vector(image), None
        raise InputError(f'{text}: neither a file nor the key_id of an image in this data set')

    def _vector(self, image):
        from sketch.evaluation.features import vector_of

        return self._compared(vector_of(self.checkpoint, image)[np.newaxis])[0]

    def _compared(self, vectors):
        from sketch.evaluation.features import embeddings

        embedded = embeddings(self.checkpoint, vectors)
        return vectors if embedded is None else embedded


def search(collection, text, top, picture):
    """Print and draw the answers to one query."""
    image, title, category, vector, index = collection.query(text)
    order, distances = collection.answers(vector, top, without=index)
    print('rank  category              key_id                distance')
    for rank, (answer, distance) in enumerate(zip(order, distances), 1):
        name, key_id = collection.category(answer), collection.key_ids[answer]
        print(f'{rank:4}  {name:20}  {key_id:20}  {distance:.6g}')
    draw([(image, title, category, collection.shown(order, distances))], picture)


def gallery(collection, which, rows, top, seed, picture):
    """Draw several test images and their answers: at random, or the best or worst by AP."""
    images = len(collection.labels)
    found = retrieve(collection.vectors, collection.labels, [images - 1], collection.distance)
    average = found.average_precisions[:, READINGS.index('standard'), -1]
    queries = np.flatnonzero(found.answerable)
    if which == 'random':
        queries = np.random.default_rng(seed).permutation(queries)
    else:
        falling = -average if which == 'best' else average
        queries = queries[np.argsort(falling[queries], kind='stable')]
    drawn = []
    for index in queries[:rows]:
        category = collection.category(index)
        order, distances = collection.answers(collection.vectors[index], top, without=index)
        title = f'{category}\nAP {average[index]:.3f}'
        image = _pixels(collection.dataset.test.paths[index])
        drawn.append((image, title, category, collection.shown(order, distances)))
        right = sum(collection.category(answer) == category for answer in order)
        print(
            f'{category} {collection.key_ids[index]}: AP {average[index]:.3f}, '
            f'{right} right answers among the first {len(order)}'
        )
    draw(drawn, picture)


def _pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert('L'))


def main(argv=None):
    """Parse the command line and search."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    add = arguments.add_argument
    add('query', nargs='?', metavar='QUERY', help='PNG, or key_id of an image of the data set')
    add('--checkpoint', type=Path, help='folder (default: the one of most epochs found)')
    add('--gallery', choices=['random', 'best', 'worst'], help='instead of a query')
    count = command_line.positive_int
    add('--queries', type=count, default=8, help='rows of a gallery')
    add('--top', type=count, default=10, help='answers a query')
    add('--distance', choices=DISTANCES, default='euclidean', help='between vectors')
    add('--seed', type=command_line.natural_int, default=0, help='of a random gallery')
    add('--out', type=Path, default=Path('search.png'), help='the picture')
    options = arguments.parse_args(argv)
    if (options.query is None) == (options.gallery is None):
        raise InputError('give either a query (a PNG or a key_id) or --gallery')
    if not options.out.parent.is_dir():
        raise InputError(f'{options.out.parent}: no such folder for the picture')
    kinds = FigureCanvasBase.get_supported_filetypes()
    if options.out.suffix[1:].lower() not in kinds:
        raise InputError(f'--out {options.out}: end its name in .png, or in .{", .".join(kinds)}')
    dataset = open_dataset(options.data, ['test'])
    if options.gallery:
        check_queries(dataset)
    top = min(options.top, len(dataset.test) - 1)
    collection = Collection(dataset, options.checkpoint or _most_trained(), options.distance)
    if options.gallery:
        gallery(collection, options.gallery, options.queries, top, options.seed, options.out)
    else:
        search(collection, options.query, top, options.out)
    print(f'see {options.out}')


def _most_trained():
    from sketch.runs.checkpoints import find
    from sketch.runs.names import epochs_in

    return max(find('.'), key=lambda folder: epochs_in(folder.name) or -math.inf)


if __name__ == '__main__':
    command_line.run(main)
