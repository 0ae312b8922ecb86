"""Charts by category: whole, readable, and with the numbers of the tables."""

import csv

import numpy as np
import pytest
from geometry import check_readable

from sketch.metrics.average_precision import retrieve
from sketch.reporting import report, search_picture

RUN = 'checkpoints_n1_triplet-and-cross-entropy_margin0.35_embedding64_batch32_rate0.0005_1e'
NAMES = ['ant', 'the great wall of china', '$x$ in $y$', 'a']


@pytest.fixture
def figures(monkeypatch):
    """The charts by name, instead of files."""
    drawn = {}
    monkeypatch.setattr(report, 'save', lambda figure, path: drawn.update({path.stem: figure}))
    return drawn


def test_letters_that_the_font_lacks_give_no_warnings(tmp_path, recwarn):
    names = ['猫', 'गाय', 'قطة', '😀']
    found = retrieve(np.eye(8), np.repeat(np.arange(4), 2), [5])
    report.report(found, names, tmp_path)
    image = np.zeros((9, 9), np.uint8)
    for ending in ('png', 'svg', 'pdf'):
        queries = [(image, names[0], names[1], [(image, names[2], 1.0)])]
        search_picture.draw(names[3], queries, tmp_path / f'found.{ending}')
    assert [str(told.message) for told in recwarn if told.category is UserWarning] == []


@pytest.mark.parametrize('classes', [1, 3, 20, 120])
def test_charts_are_readable_and_cells_have_whole_percents(figures, tmp_path, classes):
    labels = np.repeat(np.arange(classes), 6)
    noise = np.random.default_rng(0).normal(size=(2, len(labels), 8))
    vectors = noise[0, labels] + 0.7 * noise[1]
    names = [*NAMES, *(f'category {label}' for label in range(classes))][:classes]
    found = retrieve(vectors, labels, [5])
    report.report(found, names, tmp_path / RUN / 'euclidean')
    if classes <= 20:
        for figure in figures.values():
            check_readable(figure)
    with open(tmp_path / RUN / 'euclidean' / 'confusion.csv', newline='') as file:
        shares = [[float(row[name]) for name in names] for row in csv.DictReader(file)]
    least = 1 if classes <= 100 else 5
    expected = {
        (row, column): str(percent)
        for row in range(classes)
        for column in range(classes)
        if (percent := round(100 * shares[row][column])) >= least
    }
    axes = figures['confusion'].axes[0]
    cells = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert cells == expected
    assert classes <= 3 or len(cells) < classes**2  # zeros are left out
    # Three figures are narrower than a cell, in any number of categories.
    figures['confusion'].canvas.draw()
    side = axes.get_window_extent().width / classes
    text = axes.texts[0]
    text.set_text('100')
    assert text.get_window_extent().width < 0.95 * side
