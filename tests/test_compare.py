"""tools.compare: differences of mAP between checkpoints, and between orders of one."""

import numpy as np
import pytest
from conftest import NARROW_NAME

import mAP
from sketch.errors import InputError
from sketch.metrics.average_precision import retrieve
from sketch.reporting import differences, results
from tools import compare


@pytest.fixture(scope='module')
def compared(trained, small_dataset, tmp_path_factory):
    """Arguments that name a data set and two of its checkpoints."""
    place = tmp_path_factory.mktemp('compared')
    common = ['--data', str(small_dataset.folder), '--results', str(place / 'results.csv')]
    trained(place, 0, 2)
    folders = [str(place / f'{NARROW_NAME}_{count}e') for count in (0, 2)]
    mAP.main([*common, '--k', '3', 'all', '--distance', 'both', '--rerank', *folders])
    return place, ['--data', str(small_dataset.folder), *folders]


def test_differences_are_those_of_the_means(compared, tmp_path, capsys):
    place, arguments = compared
    path = tmp_path / 'new' / 'differences.csv'
    options = ['--k', '3', 'all', '--distance', 'both', '--rerank', '--differences', str(path)]
    rows = compare.main([*arguments, *options])
    columns = ('run', 'variant', 'distance', 'definition', 'k')
    means = {
        tuple(row[column] for column in columns): float(row['value'])
        for row in results.read(place / 'results.csv')
        if row['metric'] == 'mAP'
    }
    # 2 checkpoints, 3 orders by 2 distances, without the reference; 4 definitions, 2 k.
    assert len(rows) == len(differences.read(path)) == (2 * 3 * 2 - 1) * 4 * 2
    for row in rows:
        text = {column: str(value) for column, value in row.items()}
        own = means[tuple(text[column] for column in columns)]
        reference = means[f'{NARROW_NAME}_0e', '', 'euclidean', text['definition'], text['k']]
        assert row['difference'] == pytest.approx(own - reference, abs=1e-12)
        assert row['low'] <= row['difference'] <= row['high']
        assert row['interval'] == 'images'
    compare.main([*arguments, *options])
    assert len(differences.read(path)) == len(rows)  # replaced, not doubled
    assert f'minus {NARROW_NAME}_0e, euclidean' in capsys.readouterr().out


def test_pairs_tell_a_small_difference():
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    worse = generator.standard_normal((120, 8)) + labels[:, np.newaxis] * 0.5
    better = worse + labels[:, np.newaxis] * 0.05
    first, second = (retrieve(features, labels, [119]) for features in (worse, better))
    own, reference = ({'run': name, 'weights': name, 'distance': 'euclidean'} for name in 'ba')
    (row, *_) = differences.between(own, second, reference, first)
    assert row['low'] > 0
    assert second.intervals()['standard', 119][0] < first.means()['standard', 119]


def test_a_query_without_relevant_images_does_not_count():
    labels = np.array([0, 0, 0, 1])
    features = np.array([[0.0], [1.0], [5.0], [2.0]])
    first, second = retrieve(features, labels, [3]), retrieve(-(features**0.2), labels, [3])
    own, reference = ({'run': name, 'weights': name, 'distance': 'euclidean'} for name in 'ba')
    for row in differences.between(own, second, reference, first):
        means = (found.means()[row['definition'], 3] for found in (second, first))
        assert row['difference'] == pytest.approx(np.subtract(*means))


def test_only_the_same_comparison_is_replaced(tmp_path):
    row = {column: column for column in differences.COLUMNS}
    row |= {'variant': 'rerank', 'distance': 'cosine', 'definition': 'paper'}
    row |= {'interval': 'images', 'k': 3, 'images': 20, 'difference': 0.1, 'low': 0.0, 'high': 0.2}
    path = tmp_path / 'differences.csv'
    others = {'reference': 'b', 'dataset': 'c', 'images': 21, 'k': 4, 'variant': ''}
    changed = [{**row, column: other} for column, other in others.items()]
    differences.record(path, [row, *changed])
    differences.record(path, [{**row, 'difference': 0.15}])
    values = [line['difference'] for line in differences.read(path)]
    assert values == ['0.15'] + ['0.1'] * len(changed)


def test_what_cannot_be_compared_is_refused(compared, tmp_path):
    _, (data, folder, only, _) = compared
    (tmp_path / 'file').touch()
    path, table = tmp_path / 'd.csv', tmp_path / 'results.csv'
    path.write_text(','.join(differences.COLUMNS) + '\na,,,,b,,,standard,3,x,,,,20,c,now\n')
    results.record(table, [{'run': only}])
    into = [only, '--rerank', '--differences']
    for arguments, words in (
        ([], 'give checkpoint folders, the reference first'),
        ([only], 'one folder: give others, --distance both or'),
        ([only, only], 'one folder: give others, --distance both or'),
        ([*into, path], "d.csv: line 2, a: difference is 'x', not a number"),
        ([*into, table], 'results.csv: not a table of differences'),
        ([*into, tmp_path / 'file' / 'd.csv'], str(tmp_path)),
        ([*into, tmp_path], str(tmp_path)),
    ):
        with pytest.raises((InputError, OSError)) as caught:
            compare.main([data, folder, *map(str, arguments)])
        assert words in str(caught.value)
