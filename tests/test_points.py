"""The numbers that figures show: those of the runs asked for, and no corrupt one."""

import pytest

from sketch.reporting import points, results

ROW = {'net': 'n1', 'epochs': 1.0, 'step': 125, 'seed': 0, 'split': 'test', 'metric': 'accuracy'}
ROW |= {'run': 'checkpoints_n1_1e', 'value': 0.5, 'images': 1000}


def test_the_papers_points():
    figures = points.of_paper()
    assert sorted(figures) == [3, 4, 5, 6, 7]
    assert [point.value for point in figures[5] if point.net == 'n2'] == [0.706, 0.703]


def test_only_the_runs_asked_for(tmp_path, refused):
    names = ('n1', 'n1_batch8_precise-bn', 'n2', 'n2_seed3')
    rows = [
        {**ROW, 'run': f'checkpoints_{name}_1e', 'net': name[:2], 'seed': 3 * ('seed' in name)}
        for name in names
    ]
    results.record(tmp_path / 'r.csv', rows)
    for patterns, runs in (
        (['checkpoints_n2'], ['checkpoints_n2'] * 2),
        (['*n1*'], ['checkpoints_n1', 'checkpoints_n1_batch8_precise-bn']),
        (['*_precise-bn', '*n2'], ['checkpoints_n1_batch8_precise-bn', *['checkpoints_n2'] * 2]),
    ):
        chosen = points.measured(tmp_path / 'r.csv', patterns)
        assert [point.run for point in chosen] == runs
    words = ['*n3: no such run', 'checkpoints_n1, checkpoints_n1_batch8_precise-bn']
    for patterns in (['*n3'], ['*n2', '*n3']):
        refused('plots.py', '--results', tmp_path / 'r.csv', '--runs', *patterns, words=words)


def test_an_interval_is_read(tmp_path):
    results.record(tmp_path / 'r.csv', [{**ROW, 'low': 0.25, 'high': 0.75}])
    (point,) = points.measured(tmp_path / 'r.csv')
    assert (point.low, point.value, point.high) == (0.25, 0.5, 0.75)
    results.record(tmp_path / 'none.csv', [{**ROW, 'metric': 'compactness', 'split': 'train'}])
    assert points.measured(tmp_path / 'none.csv') == []


def test_nothing_to_draw_is_refused(tmp_path, refused):
    results.record(tmp_path / 'r.csv', [{**ROW, 'metric': 'compactness', 'split': 'train'}])
    words = ['r.csv: has nothing to draw']
    refused('plots.py', '--results', tmp_path / 'r.csv', '--out', tmp_path / 'f', words=words)
    assert not (tmp_path / 'f').exists()


@pytest.mark.parametrize(
    'change',
    [
        *({'value': 'x'}, {'value': ''}, {'step': ''}, {'k': '4.5'}),
        *({'low': 'x'}, {'seed': 'a'}, {'net': 'n3'}),
    ],
)
def test_a_corrupt_row_is_named(tmp_path, refused, change):
    results.record(tmp_path / 'r.csv', [{**ROW, **change}])
    words = ['r.csv', 'checkpoints_n1_1e', *change, 'remove it']
    refused('plots.py', '--results', tmp_path / 'r.csv', '--out', tmp_path / 'f', words=words)
    assert not (tmp_path / 'f').exists()
