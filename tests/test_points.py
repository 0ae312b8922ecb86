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


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'metric': 'compactness', 'split': 'train'}, ['has nothing to draw']),
        *(
            (change, ['checkpoints_n1_1e', *change, 'remove it'])
            for change in ({'value': 'x'}, {'step': ''}, {'k': '4.5'}, {'low': 'x'}, {'net': 'n3'})
        ),
    ],
)
def test_a_table_without_points_is_refused(tmp_path, refused, change, words):
    table, out = tmp_path / 'r.csv', tmp_path / 'f'
    results.record(table, [{**ROW, **change}])
    refused('plots.py', '--results', table, '--out', out, words=['r.csv', *words])
    assert not out.exists()
