"""The figures: made from the table, by the script, without inventing any."""

import re

import pytest
from PIL import Image

import plots
from sketch.evaluation import results
from tools import draw_networks

VARIANTS = ('rerank', 'rerank-probability', 'embedding')


@pytest.fixture
def table(tmp_path):
    """Results of both networks at two epoch counts."""
    rows = []
    for net in ('n1', 'n2'):
        for epochs in (1.0, 2.0):
            row = {'run': f'checkpoints_{net}_{epochs:g}e', 'net': net, 'size': 128, 'classes': 20}
            row |= {'epochs': epochs, 'step': int(epochs) * 125, 'seed': 0}
            for split in ('train', 'test'):
                rows.append({**row, 'split': split, 'metric': 'accuracy', 'value': epochs / 4})
            for definition in ('standard', 'paper'):
                found = {
                    'metric': 'mAP',
                    'definition': definition,
                    'distance': 'euclidean',
                    'k': 49,
                }
                rows.append({**row, **found, 'split': 'test', 'value': 0.25})
            found = {'metric': 'mAP', 'definition': 'paper', 'k': 49, 'split': 'test', 'value': 0.9}
            for distance, variant in ('cosine', ''), *(('euclidean', v) for v in VARIANTS):
                rows.append({**row, **found, 'distance': distance, 'variant': variant})
            compact = {'metric': 'compactness', 'distance': 'euclidean', 'value': 0.7}
            rows.append({**row, **compact, 'split': 'test'})
    path = tmp_path / 'results.csv'
    results.record(path, rows)
    return path


def test_all_figures(table, run_script, tmp_path):
    ended = run_script('plots.py', '--results', table, '--out', tmp_path / 'figures')
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 6
    for number in (*range(3, 8), 'compactness'):
        with Image.open(tmp_path / 'figures' / f'figure_{number}.png') as image:
            assert image.width > 600

    def drawn(number):
        """The texts of a figure, which its SVG repeats as comments."""
        text = (tmp_path / 'figures' / f'figure_{number}.svg').read_text()
        return set(re.findall('<!-- (.*) -->', text))

    for net in ('skNet', 'skResNet'):
        assert {f'{net}, train', f'{net}, test'} <= drawn(3)
        for number in (4, 5):
            assert {f'{net}, 1 epochs', f'{net}, 2 epochs', '0.250', '0.500'} <= drawn(number)
        assert f'{net}, k = 49' in drawn(6)
        assert {f'{net}, k = 49, 2 epochs', '0.250'} <= drawn(7)
        assert f'{net}, test' in drawn('compactness')


def seeded(row, net, seed, mark=''):
    """Return a row of one network as another seed's."""
    name = f'_{net}_seed{seed}{mark}' if seed else f'_{net}{mark}'
    return {**row, 'run': row['run'].replace(f'_{net}', name), 'seed': seed}


def test_other_seeds_stand_in_the_legend_as_curves_and_not_as_dots(table, tmp_path, monkeypatch):
    rows = [row for row in results.read(table) if row['metric'] == 'accuracy']
    curve = [seeded(row, 'n1', 1) for row in rows]
    dot = [seeded(row, 'n2', 2) for row in rows]
    dot = [row for row in dot if float(row['epochs']) == 1]
    results.record(tmp_path / 'r.csv', [*rows, *curve[: len(rows) // 2], *dot])
    monkeypatch.chdir(tmp_path)
    plots.main(['--results', 'r.csv', '--out', '.'])
    text = (tmp_path / 'figure_3.svg').read_text()
    assert 'skNet (seed 1), test' in text
    assert 'seed 2' not in text


def test_a_run_has_one_marker_whatever_its_seed(table, tmp_path, monkeypatch):
    rows = [row for row in results.read(table) if row['metric'] == 'accuracy']
    # With precise batch norm, skNet was measured with seed 1 only, skResNet with seed 0.
    again = [('n1', 1, ''), ('n1', 1, '_precise-bn'), ('n2', 0, '_precise-bn')]
    others = [seeded(row, *change) for change in again for row in rows if change[0] == row['net']]
    results.record(tmp_path / 'r.csv', [*rows, *others])
    figures = {}
    monkeypatch.setattr(
        plots, 'save_for_print', lambda figure, out, name: figures.update({name: figure})
    )
    plots.main(['--results', str(tmp_path / 'r.csv'), '--out', str(tmp_path)])
    lines = {line.get_label(): line for line in figures['figure_3'].axes[0].lines}
    first, second = plots.MARKERS[:2]
    for run, marker, alpha in (
        ('skNet', first, 1),
        ('skNet (seed 1)', first, 0.4),
        ('skNet (precise-bn seed 1)', second, 1),
        ('skResNet', first, 1),
        ('skResNet (precise-bn)', second, 1),
    ):
        line = lines[f'{run}, test']
        assert (line.get_marker(), line.get_alpha()) == (marker, alpha), run


def test_names_with_a_dollar_sign(table, tmp_path, monkeypatch):
    rows = [{**row, 'run': f'{row["run"][:-3]}_$x_$_1e'} for row in results.read(table)]
    results.record(tmp_path / 'r.csv', rows)
    monkeypatch.chdir(tmp_path)
    plots.main(['--results', 'r.csv', '--out', '.'])
    assert '$x $), test' in (tmp_path / 'figure_3.svg').read_text()


def test_other_seeds_get_no_bars(table, tmp_path, monkeypatch):
    rows = [row for row in results.read(table) if row['metric'] == 'accuracy']
    seeds = [seeded(row, 'n1', 20231123) for row in rows if row['net'] == 'n1']
    alone = [seeded(row, 'n2', 3, '_batch8') for row in rows if row['net'] == 'n2']
    results.record(tmp_path / 'r.csv', [*rows, *seeds, *alone])
    monkeypatch.chdir(tmp_path)
    plots.main(['--results', 'r.csv', '--out', '.'])
    text = (tmp_path / 'figure_4.svg').read_text()
    for run in ('skNet', 'skResNet', 'skResNet (batch8 seed 3)'):
        assert f'<!-- {run}, 2 epochs -->' in text
    assert '20231123' not in text


def test_no_line_and_no_bar_mixes_data_sets(table, tmp_path, monkeypatch):
    rows = [
        row for row in results.read(table) if row['metric'] == 'accuracy' and row['net'] == 'n1'
    ]
    known = [{**row, 'dataset': 'abcdef0123456789', 'value': 0.9} for row in rows]
    other = [{**row, 'dataset': '1234567890abcdef', 'value': 0.8} for row in rows]
    larger = [{**row, 'size': 256, 'value': 0.7} for row in rows]
    results.record(tmp_path / 'r.csv', [*rows, *known, *other, *larger])
    figures = {}
    monkeypatch.setattr(
        plots, 'save_for_print', lambda figure, out, name: figures.update({name: figure})
    )
    plots.main(['--results', str(tmp_path / 'r.csv'), '--out', str(tmp_path)])
    lines = {line.get_label(): line for line in figures['figure_3'].axes[0].lines}
    small, large = '20 categories, 128 pixels', '20 categories, 256 pixels'
    for data, values in (
        (f'{small} before 0.98', [0.25, 0.5]),
        (f'{small} data abcdef', [0.9, 0.9]),
        (f'{small} data 123456', [0.8, 0.8]),
        (large, [0.7, 0.7]),
    ):
        assert lines[f'skNet ({data}), test'].get_ydata().tolist() == values
    labels = [label.get_text() for label in figures['figure_5'].axes[0].get_yticklabels()]
    assert len([label for label in labels if label.startswith('skNet (20')]) == 4 * 2


def test_only_the_papers_definition_is_drawn(table):
    points = plots.measured_points(table)
    assert [point.value for point in points if point.metric == 'mAP'] == [0.25] * 4
    assert {point.run for point in points} == {'checkpoints_n1', 'checkpoints_n2'}


def test_what_was_not_measured_is_left_out(tmp_path, run_script):
    row = {'run': 'checkpoints_n1_1e', 'net': 'n1', 'epochs': 1.0, 'step': 5, 'split': 'test'}
    results.record(tmp_path / 'r.csv', [{**row, 'metric': 'accuracy', 'value': 0.5}])
    ended = run_script('plots.py', '--results', tmp_path / 'r.csv', '--out', tmp_path / 'figures')
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in (tmp_path / 'figures').glob('*.png')} == {
        'figure_3.png',
        'figure_5.png',
    }
    assert 'figure 6 skipped' in ended.stdout


def test_the_papers_points():
    figures = plots.paper_points()
    assert sorted(figures) == [3, 4, 5, 6, 7]
    assert [point.value for point in figures[5] if point.net == 'n2'] == [0.706, 0.703]


def test_no_results(refused, tmp_path):
    refused('plots.py', '--results', tmp_path / 'none.csv', words=['none.csv', 'train.py'])


def test_architectures(run_script, tmp_path):
    ended = run_script('tools.draw_networks', '--out', tmp_path, '--size', '96', '--classes', '7')
    assert ended.returncode == 0, ended.stderr
    for number in (1, 2):
        with Image.open(tmp_path / f'figure_{number}.png') as image:
            assert image.width > 600
        assert (tmp_path / f'figure_{number}.svg').stat().st_size > 10_000
    found = draw_networks.layers('n2', 128, 100)
    assert [kind for kind, _, _ in found].count('AddV2') == 6
    assert found[-3:] == [('MaxPool', 5, 256), ('MatMul', 1, 1024), ('MatMul', 1, 100)]


def test_architecture_of_images_too_small(refused, tmp_path):
    refused(
        'tools.draw_networks', '--out', tmp_path / 'f', '--size', '90', words=['--size 90', '91']
    )
    assert not (tmp_path / 'f').exists()
