"""What the queries of each category find: tables and charts of one checkpoint.

categories.csv, .png        average precision, precision at 1 and at 10, and in how many queries
                            a right answer is among the first 10 at all; worst category first
confusion.csv, .png         which categories the first 10 answers are of, a row per query's
precision_recall.csv, .png  the 11-point curve: the best precision at each recall or beyond
"""

import csv
import io

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
import numpy as np

from sketch import atomic
from sketch.evaluation.average_precision import READINGS, RECALLS


def report(found, categories, folder):
    """Write all tables and charts of a Retrieval; print the categories that find least.

    Args:
        found: average_precision.Retrieval; its labels are indices of categories.
        categories: names.
        folder: Path to fill, made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    title = f'{folder.parent.name}, {folder.name} distance, {len(found.labels)} images'
    table = by_category(found, categories)
    _write(folder / 'categories.csv', list(table[0]), [list(row.values()) for row in table])
    _draw_categories(table, title, folder / 'categories.png')
    shares = confusion(found, len(categories))
    _write(
        folder / 'confusion.csv',
        ['query', *categories],
        [[name, *row] for name, row in zip(categories, shares.tolist())],
    )
    _draw_confusion(shares, categories, title, folder / 'confusion.png')
    curve = found.interpolated[found.answerable].mean(axis=0)
    points = list(zip(RECALLS.tolist(), curve.tolist()))
    _write(folder / 'precision_recall.csv', ['recall', 'precision'], points)
    _draw_curve(curve, title, folder / 'precision_recall.png')
    worst = ', '.join(f'{row["category"]} {row["found_in_first_10"]:.0%}' for row in table[:3])
    print(f'    {folder}: a right answer is among the first 10 in {worst} of the queries')


def by_category(found, categories):
    """Return one dict a category that has answerable queries, lowest average precision first."""
    right = found.first == found.labels[:, np.newaxis]
    k = found.ks[-1]
    average = found.average_precisions[:, READINGS.index('standard'), -1]
    table = []
    for label, category in enumerate(categories):
        mine = (found.labels == label) & found.answerable
        if mine.any():
            table.append(
                {
                    'category': category,
                    'queries': int(mine.sum()),
                    f'average_precision_at_{k}': float(average[mine].mean()),
                    'precision_at_1': float(right[mine, 0].mean()),
                    'precision_at_10': float(right[mine].mean()),
                    'found_in_first_10': float(right[mine].any(axis=1).mean()),
                }
            )
    return sorted(table, key=lambda row: row[f'average_precision_at_{k}'])


def confusion(found, classes):
    """Return what share of each category's first 10 answers is of each: (classes, classes)."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (found.labels[:, np.newaxis], found.first), 1)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _write(path, header, rows):
    content = io.StringIO()
    writer = csv.writer(content, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    atomic.write_text(path, content.getvalue())


def _draw_categories(table, title, path):
    figure, axes = plt.subplots(figsize=(8, 1.5 + 0.24 * len(table)), layout='constrained')
    names = [row['category'] for row in table]
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
    _save(figure, path)


def _draw_confusion(shares, categories, title, path):
    side = 2.5 + 0.22 * len(categories)
    figure, axes = plt.subplots(figsize=(side + 1, side), layout='constrained')
    picture = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    axes.set_xticks(range(len(categories)), categories, rotation=90, fontsize='small')
    axes.set_yticks(range(len(categories)), categories, fontsize='small')
    axes.set_xlabel('category of the first 10 answers')
    axes.set_ylabel('category of the query')
    axes.set_title(title, fontsize='small')
    figure.colorbar(picture, shrink=0.7, label='share')
    _save(figure, path)


def _draw_curve(curve, title, path):
    figure, axes = plt.subplots(figsize=(6, 4.5), layout='constrained')
    axes.plot(RECALLS, curve, 'o-')
    axes.set(xlabel='recall', ylabel='precision', xlim=(-0.02, 1.02), ylim=(0, 1))
    axes.set_title(title, fontsize='small')
    axes.grid(alpha=0.3)
    _save(figure, path)


def _save(figure, path):
    figure.savefig(path, dpi=120)
    plt.close(figure)
