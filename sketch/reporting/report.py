"""What the queries of each category retrieve: tables and charts of one checkpoint.

categories.csv, .png        average precision, precision at 1 and at 10, and the share of queries
                            with a relevant image among the first 10; worst category first
confusion.csv, .png         the categories of the first 10 images, one row per query's category; the
                            picture has whole percents of at least 1 (5 with over 100 categories)
precision_recall.csv, .png  the 11-point curve: the best precision at each recall or beyond
"""

import numpy as np

from sketch import tables
from sketch.metrics.average_precision import DEFINITIONS, RECALLS
from sketch.plotting import MEDIUM, SMALL, empty_figure, inches, plain, save, subplots, wrapped

CELL = 0.22  # least side of a cell of the confusion picture, in inches
LEAST = 2.4  # least side of all cells together, in inches
MANY = 100  # categories; with more, small percents are left out: drawing them takes half a minute


def report(found, categories, folder):
    """Write all tables and charts of a Retrieval; return a line about the worst categories.

    The labels of the Retrieval are indices of categories, names. The folder is made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    title = f'{folder.parent.name}, {folder.name} distance, {len(found.labels)} images'
    table = by_category(found, categories)
    tables.write(folder / 'categories.csv', list(table[0]), [list(row.values()) for row in table])
    _draw_categories(table, title, folder / 'categories.png')
    shares = confusion(found, len(categories))
    rows = [[name, *row] for name, row in zip(categories, shares.tolist())]
    tables.write(folder / 'confusion.csv', ['query', *categories], rows)
    _draw_confusion(shares, categories, title, folder / 'confusion.png')
    curve = found.interpolated[found.has_relevant].mean(axis=0)
    rows = list(zip(RECALLS.tolist(), curve.tolist()))
    tables.write(folder / 'precision_recall.csv', ['recall', 'precision'], rows)
    _draw_curve(curve, title, folder / 'precision_recall.png')
    worst = ', '.join(f'{row["category"]} {row["found_in_first_10"]:.0%}' for row in table[:3])
    return f'    {folder}: queries with a relevant image in the first 10: {worst} (the lowest mAP)'


def by_category(found, categories):
    """Return one dict per category that has queries, lowest average precision first."""
    relevant = found.first == found.labels[:, np.newaxis]
    k = found.ks[-1]
    average = found.average_precisions[:, DEFINITIONS.index('standard'), -1]
    table = []
    for label in np.unique(found.labels[found.has_relevant]):
        own = found.labels == label
        row = {
            'category': categories[label],
            'queries': int(own.sum()),
            f'average_precision_at_{k}': float(average[own].mean()),
            'precision_at_1': float(relevant[own, 0].mean()),
            'precision_at_10': float(relevant[own].mean()),
            'found_in_first_10': float(relevant[own].any(axis=1).mean()),
        }
        table.append(row)
    return sorted(table, key=lambda row: row[f'average_precision_at_{k}'])


def confusion(found, classes):
    """Return the categories of each category's first 10 images as shares: (classes, classes)."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (found.labels[:, np.newaxis], found.first), 1)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _draw_categories(table, title, path):
    title = wrapped(title, 7, MEDIUM)
    figure, axes = subplots((8, 1.5 + 0.17 * title.count('\n') + 0.24 * len(table)))
    names = [plain(row['category']) for row in table]
    columns = [name for name in table[0] if name not in ('category', 'queries')]
    for column, marker in zip(columns, ['', *'s^D']):
        values, label = [row[column] for row in table], column.replace('_', ' ')
        if marker:
            axes.plot(values, names, marker, markersize=4, label=label)
        else:
            axes.barh(names, values, color='tab:blue', alpha=0.4, label=label)
    axes.set(xlim=(0, 1.02), ylim=(len(table) - 0.4, -0.6))
    axes.grid(alpha=0.3, axis='x')
    figure.legend(loc='outside upper center', ncols=2, fontsize=SMALL, title=title)
    save(figure, path)


def _draw_confusion(shares, categories, title, path):
    """Draw shares, (categories, categories), with whole percents: the font fits the cells."""
    side = max(CELL * len(categories), LEAST)
    size = min(0.38 * 72 * side / len(categories), SMALL)  # "100" is 0.73 cells wide
    # Left of and below the cells: a category's name, an axis label, and the space around them.
    names = 0.5 + max(inches(name, SMALL) for name in categories)
    bar = 0.9  # right of the cells: the colour bar with its labels
    width = max(names + side + bar, 5)
    title = wrapped(title, width - 0.3, MEDIUM)
    top = 0.25 + 0.17 * (1 + title.count('\n'))
    height = names + side + top
    figure = empty_figure((width, height))
    figure.suptitle(title, fontsize=MEDIUM, y=1 - 0.1 / height)
    axes = figure.add_axes((names / width, names / height, side / width, side / height))
    picture = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    percents = np.round(100 * shares).astype(int)
    least = 1 if len(categories) <= MANY else 5
    for row, column in np.argwhere(percents >= least):
        percent = percents[row, column]
        axes.text(column, row, str(percent), fontsize=size, ha='center', va='center_baseline',
                  color='white' if percent > 50 else 'black')  # fmt: skip
    ticks = range(len(categories)), [plain(name) for name in categories]
    axes.set_xticks(*ticks, rotation=90, fontsize=SMALL)
    axes.set_yticks(*ticks, fontsize=SMALL)
    axes.tick_params(length=2, pad=2)
    axes.set(xlabel='category of the first 10 images', ylabel='category of the query')
    place = ((names + side + 0.15) / width, names / height, 0.15 / width, min(side, 3) / height)
    label = f'share (numbers: percent from {least})'
    figure.colorbar(picture, cax=figure.add_axes(place), label=label)
    save(figure, path)


def _draw_curve(curve, title, path):
    figure, axes = subplots((6, 4.5))
    axes.plot(RECALLS, curve, 'o-')
    axes.set(xlabel='recall', ylabel='precision', xlim=(-0.02, 1.02), ylim=(0, 1))
    figure.suptitle(wrapped(title, 5.5, MEDIUM), fontsize=MEDIUM)
    axes.grid(alpha=0.3)
    save(figure, path)
