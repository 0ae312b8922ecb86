"""Pictures of a search: what they name, and that they are whole and readable."""

import re

import numpy as np
import pytest
from conftest import NARROW, options
from geometry import check_readable
from PIL import Image

import search
import train
from sketch.reporting import results, search_picture

SIDE = 96


@pytest.fixture(scope='module')
def classifier(trained, tmp_path_factory):
    """A folder with a narrow skNet after one epoch."""
    return trained(tmp_path_factory.mktemp('c'), 1)


@pytest.fixture
def figures(monkeypatch):
    """The figures that search.py draws, instead of files."""
    drawn = []
    monkeypatch.setattr(search_picture, 'save', lambda figure, path: drawn.append(figure))
    return drawn


def texts_of(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize('loss', ['cross-entropy', 'triplet', 'triplet-and-cross-entropy'])
def test_a_picture_names_checkpoint_distance_and_predicted_class(
    small_dataset, classifier, tmp_path, figures, capsys, loss
):
    folder = classifier
    if loss != 'cross-entropy':
        flags = [*NARROW, '--batch-size', 12, '--loss', loss, '--epochs', 0]
        train.main(options(small_dataset, tmp_path, *flags))
        (folder,) = tmp_path.glob('checkpoints_*')
    common = ['--data', str(small_dataset.folder), '--checkpoint', str(folder)]
    common += ['--examples', 'random', '--queries', '12', '--top', '2', '--distance', 'cosine']
    shown = search.main(common)
    vectors = 'fc1' if loss == 'cross-entropy' else 'the embedding'
    title, *texts = texts_of(figures[0])
    title = title.replace('\n', '').replace(' ', '')
    assert title == f'{folder.name}: cosine distance of {vectors}'.replace(' ', '')
    check_readable(figures[0])

    if loss == 'triplet':
        assert {row['predicted'] for row in shown} == {None}
        assert 'predicted' not in ' '.join([capsys.readouterr().out, *texts])
        return
    # An outside reference: the share of right predictions is the accuracy that train.py measured.
    rows = results.read(folder.parent / 'results.csv')
    (row,) = (row for row in rows if row['split'] == 'test')
    right = [row['predicted'] == row['category'] for row in shown]
    assert np.mean(right) == pytest.approx(float(row['value']))
    for row in shown:
        told = f'predicted: {row["predicted"]} {row["probability"]:.0%}'
        assert any(text.replace('\n', ' ').endswith(told) for text in texts)


def test_a_file_is_predicted_as_the_image_of_the_index(small_dataset, classifier, tmp_path, capsys):
    common = ['--data', str(small_dataset.folder), '--checkpoint', str(classifier), '--top', '2']
    common += ['--out', str(tmp_path / 'out.png')]
    path = next((small_dataset.folder / 'testing').rglob('*.png'))
    told = []
    for query in (path.stem, str(path)):
        capsys.readouterr()
        found = search.main([*common, query])
        assert set(found[0]) == {'rank', 'category', 'key_id', 'distance'}
        told.append(re.search('the network takes the query for: (.+)', capsys.readouterr().out)[1])
    assert told[0].split(' (')[0] in small_dataset.categories
    assert told[0] == told[1]


def image(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)


@pytest.mark.parametrize(('top', 'queries'), [(1, 1), (7, 5), (100, 1)])
def test_long_names_stay_inside_and_apart(figures, tmp_path, top, queries):
    names = ['ant', 'the great wall of china', 'W' * 40, '$x$']
    found = [(image(rank), names[rank % 4], 1234.5678) for rank in range(top)]
    title = f'{"a" * 60}.png\npredicted: {"W" * 30} 100%'
    run = 'checkpoints_n1_triplet-and-cross-entropy_margin0.35_embedding64_batch32_rate0.0005_1e'
    row = (image(0), title, None, found)
    search_picture.draw(f'{run}: euclidean distance', [row] * queries, tmp_path / 'x.png')
    check_readable(figures[0])
    assert len(figures[0].axes[0].images) == queries * (top + 1)
    wide, high = figures[0].get_size_inches()
    assert wide <= 11 * search_picture.CELL
    assert high < 30


def test_of_many_images_the_first_are_drawn(
    small_dataset, classifier, tmp_path, figures, capsys, monkeypatch
):
    monkeypatch.setattr(search, 'DRAWN', 5)
    out = tmp_path / 'out.png'
    key_id = next((small_dataset.folder / 'testing').rglob('*.png')).stem
    common = ['--data', str(small_dataset.folder), '--checkpoint', str(classifier)]
    assert len(search.main([*common, '--out', str(out), key_id, '--top', '440'])) == 11
    printed = capsys.readouterr().out
    assert len([line for line in printed.splitlines() if line[:4].strip().isdigit()]) == 11
    assert printed.count(f'{out}: shows the first 5 images found\n') == 1
    assert len(figures[0].axes[0].images) == 1 + 5


# How people without one kind of cone see linear RGB (Machado, Oliveira and Fernandes, 2009).
WITHOUT_RED = [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
WITHOUT_GREEN = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]


def test_all_eyes_tell_the_frames_apart(figures, tmp_path):
    found = [(image(1), 'one', 0.5), (image(2), 'two', 0.7)]
    search_picture.draw('title', [(image(0), 'one', 'one', found)], tmp_path / 'x.png')
    _, same, other = figures[0].axes[0].patches
    assert same.get_linestyle() != other.get_linestyle()
    linear = [np.array(frame.get_edgecolor()[:3]) ** 2.2 for frame in (same, other)]
    for seen in (np.eye(3), WITHOUT_RED, WITHOUT_GREEN):
        one, two = (np.clip(seen @ colour, 0, 1) ** (1 / 2.2) for colour in linear)
        assert np.linalg.norm(one - two) > 0.4  # a green and a red one: 0.12 and 0.35


@pytest.mark.parametrize('ending', search.ENDINGS)
def test_formats(tmp_path, ending):
    out = tmp_path / f'out.{ending.upper()}'
    search_picture.draw('title', [(image(0), 'one', 'one', [(image(1), 'one', 0.5)])], out)
    assert out.stat().st_size > 1000


def test_many_queries_are_drawn_as_the_first_ones(tmp_path, capsys):
    out = tmp_path / 'out.webp'
    rows = [(image(0), 'one', 'one', [(image(1), 'one', 0.5)])] * 200
    search_picture.draw('title', rows, out)
    (line,) = capsys.readouterr().out.splitlines()
    drawn = int(re.fullmatch(f'{out}: shows the first (.+) of 200 queries', line)[1])
    with Image.open(out) as picture:
        assert 60 < drawn < 200
        assert 15_000 < picture.height < 16_384
