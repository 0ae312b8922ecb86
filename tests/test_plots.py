"""The figures: made from the table, by the script, without inventing any, and readable."""

import re

import pytest
from geometry import check_readable
from matplotlib.text import Annotation
from PIL import Image

import plots
from sketch import plotting
from sketch.networks.registry import NETWORKS
from sketch.reporting import points, results
from sketch.reporting.figures import run_looks as looks_of

WORDS = {0: 'untrained', 0.5: '0.5 epochs', 1: '1 epoch', 2: '2 epochs'}
LONG = '_triplet-and-cross-entropy_margin0.35_embedding64_batch32_rate0.0005_decay0.97_momentum0.95'
ROW = {'net': 'n1', 'epochs': 1.0, 'step': 125, 'seed': 0, 'split': 'test', 'metric': 'accuracy'}
ROW |= {'run': 'checkpoints_n1_1e', 'value': 0.5, 'images': 1000}


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
            row |= {'split': 'test', 'distance': 'euclidean'}
            rows.append({**row, 'metric': 'compactness', 'value': 0.7})
            row |= {'metric': 'mAP', 'definition': 'paper', 'k': 49, 'value': 0.25}
            rows += [row, {**row, 'variant': 'embedding', 'value': 0.9}]
            # Figures show none of these.
            others = {'definition': 'standard'}, {'distance': 'cosine'}, {'variant': 'rerank'}
            rows += [{**row, **other, 'value': 0.8} for other in others]
    path = tmp_path / 'results.csv'
    results.record(path, rows)
    return path


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Return a function that runs plots.py on rows of a table and returns its figures by name."""

    def draw(rows):
        figures = {}
        monkeypatch.setattr(
            plotting, 'save_for_print', lambda figure, out, name: figures.update({name: figure})
        )
        results.record(tmp_path / 'drawn.csv', rows)
        plots.main(['--results', str(tmp_path / 'drawn.csv'), '--out', str(tmp_path)])
        return figures

    return draw


def entries_of(figure):
    """Return {text: line} of a legend."""
    legend = figure.legends[0]
    texts = [text.get_text().replace('\n', ' ') for text in legend.get_texts()]
    return dict(zip(texts, legend.legend_handles))


def curves_of(figure, run, told, filled=True):
    """Return the values of the lines that a reader of the legend takes for a run's."""
    entries = entries_of(figure)
    run, style = entries[run], entries[told]
    return [
        list(line.get_ydata())
        for line in figure.axes[0].lines
        if (line.get_color(), line.get_marker()) == (run.get_color(), run.get_marker())
        and line._unscaled_dash_pattern == style._unscaled_dash_pattern
        and (line.get_markerfacecolor() != 'white') == filled
    ]


def bars_of(figure):
    """Return [(name of the run, label, value)] of a figure of bars, from top to bottom."""
    axes = figure.axes[0]
    labels = dict(zip(axes.get_yticks(), (label.get_text() for label in axes.get_yticklabels())))
    names = [text for text in axes.texts if not isinstance(text, Annotation)]
    names = [(text.get_position()[1], text.get_text().replace('\n', ' ')) for text in names]
    found = []
    for bar in axes.patches:
        place = bar.get_y() + bar.get_height() / 2
        (label,) = (label for tick, label in labels.items() if abs(tick - place) < 0.01)
        found.append((max(name for name in names if name[0] < place)[1], label, bar.get_width()))
    return found


def seeded(row, net, seed, mark=''):
    """Return a row of one network as another seed's."""
    name = f'_{net}_seed{seed}{mark}' if seed else f'_{net}{mark}'
    return {**row, 'run': row['run'].replace(f'_{net}', name), 'seed': seed}


def of_metric(table, metric, net=None):
    return [
        row for row in results.read(table) if row['metric'] == metric and net in (None, row['net'])
    ]


def test_all_figures(table, tmp_path):
    written = plots.main(['--results', str(table), '--out', str(tmp_path / 'figures')])
    assert len(written) == 7
    for number in (*range(3, 8), 'embedding', 'compactness'):
        with Image.open(tmp_path / 'figures' / f'figure_{number}.png') as image:
            assert image.width > 600

    def shown(number):
        """The texts of a figure, which its SVG repeats as comments."""
        text = (tmp_path / 'figures' / f'figure_{number}.svg').read_text()
        return set(re.findall('<!-- (.*) -->', text))

    for number, told in ((3, ('train', 'test')), (6, ('k = 49',)), ('compactness', ('fc1',))):
        assert {'skNet', 'skResNet', *told} <= shown(number)
    for number in (4, 5):
        assert {'skNet', 'skResNet', '1 epoch', '2 epochs', '0.250', '0.500'} <= shown(number)
    assert {'skNet', 'k = 49, 2 epochs', '0.250'} <= shown(7)
    assert {'k = 49, 2 epochs, fc1', 'k = 49, 2 epochs, embedding', '0.900'} <= shown('embedding')
    assert '0.800' not in shown(7) | shown('embedding')


@pytest.mark.parametrize(
    ('runs', 'epochs'), [(1, (0, 1, 2)), (3, (0, 0.5)), (3, (1,)), (12, (0.5, 1))]
)
def test_every_figure_is_readable(drawn, runs, epochs):
    rows = []
    for run in range(runs):
        net = 'n2' if run == 1 else 'n1'
        for seed in (0, 1, 20231123)[: 1 + 2 * (runs == 3)]:
            mark = f'{LONG}_{"W" * 90 * (run == 2)}_batch{run}'
            row = {'run': f'checkpoints_{net}{mark}_2e', 'net': net, 'classes': 345, 'images': 999}
            if seed:
                row = seeded(row, net, seed)
            for size in (128, 256)[: 1 + (runs == 3)]:
                for count in epochs:
                    row |= {'epochs': float(count), 'step': int(count * 9), 'seed': seed}
                    row |= {'size': size, 'dataset': f'abcdef{size}'}
                    rows += measurements(row)
    figures = drawn(rows)
    assert len(figures) == 7
    for figure in figures.values():
        check_readable(figure)
    shown = [label for _, label, _ in bars_of(figures['figure_7'])]
    counts = [WORDS[count] for count in epochs[-2:]]
    each = [f'k = {k}, {count}' for k in (9, 49, 999) for count in counts]
    assert shown[: len(each)] == each
    assert len(shown) == runs * (1 + (runs == 3)) * len(each) + 8  # of the paper
    ks = [text for text in entries_of(figures['figure_6']) if text.startswith('k = ')]
    assert ks == ['k = 9', 'k = 49', 'k = 999', 'k = 4999']
    styles = {str(entries_of(figures['figure_6'])[k]._unscaled_dash_pattern) for k in ks}
    assert len(styles) == 4
    if runs == 12:
        looks = {
            (line.get_color(), line.get_marker())
            for text, line in entries_of(figures['figure_6']).items()
            if 'batch' in text
        }
        assert len(looks) == 12


def measurements(row):
    """Return a row for each kind of measurement of a checkpoint."""
    rows = [
        {**row, 'split': split, 'metric': 'accuracy', 'value': 1.0} for split in ('train', 'test')
    ]
    test = {**row, 'split': 'test', 'distance': 'euclidean'}
    for variant in ('', 'embedding'):
        test |= {'variant': variant}
        for k in (999, 49, 9):
            rows.append({**test, 'metric': 'mAP', 'definition': 'paper', 'k': k, 'value': 9 / k})
        rows.append({**test, 'metric': 'compactness', 'value': 0.5})
    return rows


def test_seeds_and_the_paper_differ_in_words_and_in_look(table, drawn):
    rows = of_metric(table, 'accuracy')
    others = [seeded(row, 'n1', seed) for row in rows if row['net'] == 'n1' for seed in (12, 3)]
    alone = [seeded(row, 'n2', 3, '_batch8') for row in rows if row['net'] == 'n2']
    figure = drawn([*rows, *others, *alone])['figure_3']
    entries = entries_of(figure)
    assert {'skNet; hollow: seed 3, 12', 'skResNet', 'skResNet (batch8, seed 3)'} <= set(entries)
    assert curves_of(figure, 'skNet; hollow: seed 3, 12', 'test') == [[0.25, 0.5]]
    assert curves_of(figure, 'skNet; hollow: seed 3, 12', 'test', filled=False) == [[0.25, 0.5]] * 2
    paper, measured = entries['skNet, the paper'], entries['skNet; hollow: seed 3, 12']
    assert paper.get_linewidth() > 2 * measured.get_linewidth()
    assert paper.get_color() != measured.get_color()
    title = figure.get_suptitle()
    assert 'hollow, thin: other seeds; pale, wide: the paper' in title


def test_a_run_has_its_colour_whatever_else_is_drawn():
    names = ['checkpoints_n1', *(f'checkpoints_n1_batch{batch}' for batch in range(1, 9))]
    runs = [
        points.Point(name, 'n1', 1, 'accuracy', 'test', 0, 0.5, setting=setting, images='9')
        for name in names
        for setting in ('128 pixels', '256 pixels')
    ]
    alone = {run.run: looks_of([run])['n1', run.run]['color'] for run in runs}
    assert alone['checkpoints_n1'] == NETWORKS['n1'].colours[0]
    assert len(set(alone.values())) > 1
    looks = looks_of(points.told_apart(runs))  # of two data sets, which their names then tell
    assert len(looks) == len({(look['color'], look['marker']) for look in looks.values()}) == 18
    for (_, run), look in looks.items():
        assert look['color'] == alone[run.partition(',')[0]]


def test_names_with_a_dollar_sign(table, tmp_path, monkeypatch):
    rows = [
        {**row, 'run': f'{row["run"][:-3]}_$x_${row["run"][-3:]}'} for row in results.read(table)
    ]
    results.record(tmp_path / 'r.csv', rows)
    monkeypatch.chdir(tmp_path)
    plots.main(['--results', 'r.csv', '--out', '.'])
    for number in (3, 4):
        assert '$x $)' in (tmp_path / f'figure_{number}.svg').read_text()


def test_bars_show_the_first_seed_that_has_them(table, drawn):
    rows = of_metric(table, 'accuracy')
    seeds = [{**seeded(row, 'n1', 9), 'value': 0.9} for row in rows if row['net'] == 'n1']
    alone = [seeded(row, 'n2', 3, '_batch8') for row in rows if row['net'] == 'n2']
    found = [row for row in of_metric(table, 'mAP') if row['definition'] == 'paper']
    # k = 5 was measured with seed 9 only.
    found += [
        {**seeded(row, 'n1', 9), 'k': k} for row in found for k in (49, 5) if row['net'] == 'n1'
    ]
    figures = drawn([*rows, *seeds, *alone, *found])
    shown = bars_of(figures['figure_4'])[:6]
    assert [run for run, *_ in shown[::2]] == ['skNet', 'skResNet', 'skResNet (batch8, seed 3)']
    assert [value for *_, value in shown] == [0.25, 0.5] * 3
    assert 'first seed of each run' in figures['figure_4'].get_suptitle()
    shown = [(run, label) for run, label, _ in bars_of(figures['figure_7'])]
    assert shown[:4] == [
        *(('skNet', f'k = 49, {count}') for count in ('1 epoch', '2 epochs')),
        *(('skNet (seed 9)', f'k = 5, {count}') for count in ('1 epoch', '2 epochs')),
    ]


def test_no_line_and_no_bar_mixes_data_sets(table, drawn):
    rows = of_metric(table, 'accuracy', 'n1')
    known = [{**row, 'dataset': 'abcdef0123456789', 'value': 0.9} for row in rows]
    other = [{**row, 'dataset': '1234567890abcdef', 'value': 0.8} for row in rows]
    larger = [{**row, 'size': 256, 'value': 0.7} for row in rows]
    more = [{**row, 'size': 256, 'images': 9000, 'value': 0.6} for row in rows]
    figures = drawn([*rows, *known, *other, *larger, *more])
    small, large = '20 categories, 128 pixels', '20 categories, 256 pixels'
    bars = [(run, value) for run, _, value in bars_of(figures['figure_5'])]
    for data, values in (
        (f'{small}, data unknown', [0.25, 0.5]),
        (f'{small}, data abcdef', [0.9, 0.9]),
        (f'{small}, data 123456', [0.8, 0.8]),
        (f'{large}, unknown test images', [0.7, 0.7]),
        (f'{large}, 9000 test images', [0.6, 0.6]),
    ):
        assert curves_of(figures['figure_3'], f'skNet ({data})', 'test') == [values]
        assert [value for run, value in bars if run == f'skNet ({data})'] == values
    assert len([run for run, _ in bars if run.startswith('skNet (20')]) == 5 * 2


def test_the_embedding_stands_beside_fc1_of_the_same_run(table, drawn):
    rows = of_metric(table, 'mAP')
    rows = [row for row in rows if row['net'] == 'n2' or row['variant'] != 'embedding']
    figures = drawn(rows)
    assert bars_of(figures['figure_embedding']) == [
        ('skResNet', 'k = 49, 2 epochs, fc1', 0.25),
        ('skResNet', 'k = 49, 2 epochs, embedding', 0.9),
    ]
    assert {run for run, *_ in bars_of(figures['figure_7'])} >= {'skNet', 'skResNet'}


def test_intervals_are_bands_and_lines_at_bars(table, drawn):
    rows = [
        {**row, 'low': row['value'] - 0.1, 'high': row['value'] + 0.2}
        for row in of_metric(table, 'accuracy', 'n1')
        for row['value'] in [float(row['value'])]
        if row['split'] == 'test'
    ]
    figures = drawn([*rows, *of_metric(table, 'accuracy', 'n2')])
    (band,) = figures['figure_3'].axes[0].collections
    corners = band.get_paths()[0].vertices
    line = entries_of(figures['figure_3'])['skNet']
    assert tuple(band.get_facecolor()[0][:3]) == plotting.to_rgb(line.get_color())
    for epochs, value in ((1, 0.25), (2, 0.5)):
        inside = corners[corners[:, 0] == epochs, 1]
        assert (inside.min(), inside.max()) == pytest.approx((value - 0.1, value + 0.2))
    assert 'bands: 95 % intervals' in figures['figure_3'].get_suptitle()
    ends = [
        list(collection.get_segments()[0][:, 0])
        for collection in figures['figure_5'].axes[0].collections
    ]
    assert ends == [pytest.approx([0.15, 0.45]), pytest.approx([0.4, 0.7])]
    assert 'short lines: 95 % intervals' in figures['figure_5'].get_suptitle()
    assert 'interval' not in drawn(of_metric(table, 'accuracy', 'n2'))['figure_4'].get_suptitle()


def test_what_was_not_measured_is_left_out(tmp_path, capsys, refused):
    row = {'run': 'checkpoints_n1_1e', 'net': 'n1', 'epochs': 1.0, 'step': 5, 'split': 'test'}
    results.record(tmp_path / 'r.csv', [{**row, 'metric': 'accuracy', 'value': 0.5}])
    plots.main(['--results', str(tmp_path / 'r.csv'), '--out', str(tmp_path)])
    assert sorted(path.name for path in tmp_path.glob('*.png')) == ['figure_3.png', 'figure_5.png']
    assert 'figure 6 skipped' in capsys.readouterr().out
    refused('plots.py', '--results', tmp_path / 'none.csv', words=['none.csv', 'train.py'])


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
        ({'split': ''}, ['split is empty']),
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
