"""Shows which test images are most similar to a query (paper, section 2).

    python search.py --data . --checkpoint checkpoints_n2_10e drawing.png
    python search.py --data . --checkpoint checkpoints_n2_10e 4897919444451328
    python search.py --data . --checkpoint checkpoints_n2_10e --examples worst

A query is an image of any size and tone, or the key_id of an image of the data set. It is compared
by fc1, or by the embedding if the checkpoint was trained with a triplet loss. The output is rank,
category, key_id and distance of each image found, and a picture: images of the query's category
have a solid blue frame, others a dashed orange one (grey if the query's category is unknown). The
query's title names the predicted category and its probability. A picture shows at most 100 images
per query.
"""

import os
from pathlib import Path

import numpy as np

from sketch import atomic, command_line
from sketch.data.dataset import FOLDERS, SHEET, check_queries, open_dataset
from sketch.errors import InputError
from sketch.metrics.average_precision import DEFINITIONS, retrieve
from sketch.metrics.ranking import DISTANCES
from sketch.runs import folders

DRAWN = 100  # images per query in a picture
ENDINGS = ('png', 'jpg', 'jpeg', 'webp', 'tif', 'tiff', 'pdf', 'svg', 'eps')


def search(index, text, top):
    """Print and return what one query retrieves.

    Returns:
        list of dicts: rank, category, key_id, distance; and a list for search_picture.draw.
    """
    query = index.query(text)
    (prediction,) = index.predict(query.fc1[np.newaxis])
    order, distances = index.search(query.vector, top, exclude=query.index)
    title = query.title + _told('\npredicted: {} {:.0%}', prediction)
    if prediction:
        print(_told('the network takes the query for: {} ({:.1%})', prediction))
    print('rank  category              key_id                distance')
    found = []
    for rank, (image, distance) in enumerate(zip(order, distances), 1):
        row = {'rank': rank, 'category': index.category(image)}
        row |= {'key_id': str(index.key_ids[image]), 'distance': float(distance)}
        print('{rank:4}  {category:20}  {key_id:20}  {distance:.6g}'.format(**row))
        found.append(row)
    return found, [(query.image, title, query.category, _cells(index, order, distances))]


def examples(index, which, count, top, seed):
    """Print and return what several test images retrieve: at random, or best or worst by AP.

    Returns:
        list of dicts: category, key_id, average_precision (of the whole ranking), predicted and
        probability (None if the network's classifier is untrained or its categories are unknown);
        and the queries as search_picture.draw takes them.
    """
    images = len(index.labels)
    found = retrieve(index.vectors, index.labels, [images - 1], index.distance)
    average = found.average_precisions[:, DEFINITIONS.index('standard'), -1]
    queries = np.flatnonzero(found.has_relevant)
    if which == 'random':
        queries = np.random.default_rng(seed).permutation(queries)
    else:
        rising = -average if which == 'best' else average
        queries = queries[np.argsort(rising[queries], kind='stable')]
    queries = queries[:count]
    drawn, shown = [], []
    for query, prediction in zip(queries, index.predict(index.fc1[queries])):
        category, key_id = index.category(query), str(index.key_ids[query])
        order, distances = index.search(index.vectors[query], top, exclude=query)
        title = f'{category}\nAP {average[query]:.3f}' + _told('\npredicted: {} {:.0%}', prediction)
        drawn.append((index.image(query), title, category, _cells(index, order, distances)))
        relevant = sum(index.category(image) == category for image in order)
        print(
            f'{category} {key_id}: AP {average[query]:.3f}, {relevant} of the first {len(order)} '
            f'images are relevant' + _told(', predicted: {} ({:.1%})', prediction)
        )
        row = {'category': category, 'key_id': key_id, 'average_precision': float(average[query])}
        row['predicted'], row['probability'] = prediction or (None, None)
        shown.append(row)
    return shown, drawn


def _told(text, prediction):
    """Return a text about a prediction, '' without one."""
    return text.format(*prediction) if prediction else ''


def _cells(index, order, distances):
    """Return images found as search_picture.draw takes them."""
    return [
        (index.image(image), index.category(image), distance)
        for image, distance in zip(order[:DRAWN], distances)
    ]


def parse_arguments(argv):
    """Return the parsed command line.

    Raises:
        InputError: neither a query nor --examples, or a picture that cannot be written.
    """
    arguments = command_line.parser(__doc__)
    add_setting, count = command_line.add_setting, command_line.positive_int

    query = arguments.add_argument_group('query')
    query.add_argument(
        'query',
        nargs='?',
        type=os.path.expanduser,
        metavar='QUERY',
        help='image, or key_id of an image of the data set',
    )
    which = ['random', 'best', 'worst']
    query.add_argument('--examples', choices=which, help='take test images as queries')
    add_setting(query, '--queries', type=count, help='number of --examples')
    add_setting(query, '--seed', type=command_line.natural_int, help='seed of random --examples')

    data = arguments.add_argument_group('data and network')
    command_line.add_data(data)
    command_line.add_checkpoint(data)
    add_setting(data, '--distance', choices=DISTANCES, help='distance between vectors')

    output = arguments.add_argument_group('output')
    add_setting(output, '--top', type=count, help='images per query')
    output.add_argument(
        '--out',
        type=command_line.path,
        default=Path('search.png'),
        metavar='FILE',
        help='picture to write; the ending decides its format',
    )

    options = arguments.parse_args(argv)
    if (options.query is None) == (options.examples is None):
        raise InputError('give either a query (an image or a key_id) or --examples')
    if not options.out.parent.is_dir():
        raise InputError(f'{options.out.parent}: no such folder for the picture')
    if options.out.is_dir():
        raise InputError(f'--out {options.out}: is a folder; give a file')
    if options.out.suffix[1:].lower() not in ENDINGS:
        raise InputError(f'--out {options.out}: end its name in one of .{", .".join(ENDINGS)}')
    atomic.check_place(options.out, 'file for the picture')
    return options


def check_output(out, query, folder):
    """Raise InputError if the picture would replace the query or an image of the data set."""
    place = out.resolve()
    if query is not None and place == Path(query).resolve():
        raise InputError(f'--out {out}: would replace the query; give another')
    images = [(folder / part).resolve() for part in FOLDERS.values()]
    if place == (folder / SHEET).resolve() or any(part in place.parents for part in images):
        raise InputError(f'--out {out}: is a picture of the data set; give another')


def main(argv=None):
    """Parse the command line, search, and return what was found, as a list of dicts."""
    options = parse_arguments(argv)
    folder = folders.one(options.checkpoint, options.unfinished)
    dataset = open_dataset(options.data, ['test'])
    check_output(options.out, options.query, dataset.folder)
    if options.examples:
        check_queries(dataset)

    from sketch.evaluation.search_index import SearchIndex  # TensorFlow
    from sketch.reporting.search_picture import draw  # matplotlib

    top = min(options.top, len(dataset.test))
    with SearchIndex(dataset, folder, options.distance) as index:
        if options.examples:
            found, drawn = examples(index, options.examples, options.queries, top, options.seed)
        else:
            found, drawn = search(index, options.query, top)
    draw(index.title, drawn, options.out)
    if top > DRAWN:
        print(f'{options.out}: shows the first {DRAWN} images found')
    print(f'{index.checkpoint.title}; see {options.out}')
    return found


if __name__ == '__main__':
    command_line.run(main)
