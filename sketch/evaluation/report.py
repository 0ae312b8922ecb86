"""What the queries of each category retrieve: tables and charts of one checkpoint.

categories.csv, .png        average precision, precision at 1 and at 10, and the share of queries
                            with a relevant image among the first 10; worst category first
confusion.csv, .png         the categories of the first 10 images, one row per query's category
precision_recall.csv, .png  the 11-point curve: the best precision at each recall or beyond
"""

import numpy as np

from sketch import atomic
from sketch.evaluation.average_precision import DEFINITIONS, RECALLS
from sketch.plotting import plain, plt, save


def report(found, categories, folder):
    """Write all tables and charts of a Retrieval; return a line about the worst categories.

    Args:
        found: average_precision.Retrieval; its labels are indices of categories.
        categories: names.
        folder: Path to fill, made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    title = plain(f'{folder.parent.name}, {folder.name} distance, {len(found.labels)} images')
    table = by_category(found, categories)
    atomic.write_csv(
        folder / 'categories.csv', list(table[0]), [list(row.values()) for row in table]
    )
    _draw_categories(table, title, folder / 'categories.png')
    shares = confusion(found, len(categories))
    atomic.write_csv(
        folder / 'confusion.csv',
        ['query', *categories],
        [[name, *row] for name, row in zip(categories, shares.tolist())],
    )
    _draw_confusion(shares, categories, title, folder / 'confusion.png')
    curve = found.interpolated[found.has_relevant].mean(axis=0)
    points = list(zip(RECALLS.tolist(), curve.tolist()))
    atomic.write_csv(folder / 'precision_recall.csv', ['recall', 'precision'], points)
    _draw_curve(curve, title, folder / 'precision_recall.png')
    worst = ', '.join(f'{row["category"]} {row["found_in_first_10"]:.0%}' for row in table[:3])
    return f'    {folder}: queries with a relevant image in the first 10: {worst} (the lowest mAP)'


def by_category(found, categories):
    """Return one dict per category that has queries, lowest average precision first."""
    relevant = found.first == found.labels[:, np.newaxis]
    k = found.ks[-1]
    average = found.average_precisions[:, DEFINITIONS.index('standard'), -1]
    table = []
    for label, category in enumerate(categories):
        own = (found.labels == label) & found.has_relevant
        if own.any():
            table.append(
                {
                    'category': category,
                    'queries': int(own.sum()),
                    f'average_precision_at_{k}': float(average[own].mean()),
                    'precision_at_1': float(relevant[own, 0].mean()),
                    'precision_at_10': float(relevant[own].mean()),
                    'found_in_first_10': float(relevant[own].any(axis=1).mean()),
                }
            )
    return sorted(table, key=lambda row: row[f'average_precision_at_{k}'])


def confusion(found, classes):
    """Return the categories of each category's first 10 images as shares: (classes, classes)."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (found.labels[:, np.newaxis], found.first), 1)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _draw_categories(table, title, path):
    figure, axes = plt.subplots(figsize=(8, 1.5 + 0.24 * len(table)), layout='constrained')
    names = [plain(row['category']) for row in table]
    columns = [name for name in table[0] if name not in ('category', 'queries')]
    for column, marker in zip(columns, 'os^D'):
        values = [row[column] for row in table]
        if marker == 'o':
            axes.barh(names, values, color='tab:blue', alpha=0.4, label=column.replace('_', ' '))
        else:
            axes.plot(values, names, marker, markersize=4, label=column.replace('_', ' '))
    axes.set_xlim(0, 1.02)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(alpha=0.3, axis='x')
    figure.legend(loc='outside upper center', ncols=2, fontsize='small', title=title)
    save(figure, path)


def _draw_confusion(shares, categories, title, path):
    side = 2.5 + 0.22 * len(categories)
    figure, axes = plt.subplots(figsize=(side + 1, side), layout='constrained')
    categories = [plain(name) for name in categories]
    picture = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    axes.set_xticks(range(len(categories)), categories, rotation=90, fontsize='small')
    axes.set_yticks(range(len(categories)), categories, fontsize='small')
    axes.set_xlabel('category of the first 10 images')
    axes.set_ylabel('category of the query')
    axes.set_title(title, fontsize='small')
    figure.colorbar(picture, shrink=0.7, label='share')
    save(figure, path)


def _draw_curve(curve, title, path):
    figure, axes = plt.subplots(figsize=(6, 4.5), layout='constrained')
    axes.plot(RECALLS, curve, 'o-')
    axes.set(xlabel='recall', ylabel='precision', xlim=(-0.02, 1.02), ylim=(0, 1))
    axes.set_title(title, fontsize='small')
    axes.grid(alpha=0.3)
    save(figure, path)
