"""The tables of the documents are those of docs/results/."""

import pytest

from sketch.errors import InputError
from sketch.reporting import differences, speeds
from tools.fill_tables import __main__ as tables
from tools.fill_tables import cells, comparisons, protocol_l, protocol_m

HERE = {'series': 'run', 'epochs': '1', **cells.TEST}
VALUES = {
    ('run_1e', '1', '128', 'accuracy', 'test', '', '', '', ''): cells.Value(0.12345, 0.1, 0.2),
    ('run_2e', '2', '128', 'accuracy', 'test', '', '', '', ''): cells.Value(0.5),
    ('run_precise-bn_1e', '1', '128', 'accuracy', 'test', '', '', '', ''): cells.Value(
        1.0, 0.9, 1.0
    ),
    ('run_1e', '1', '256', 'accuracy', 'train', '', '', '', ''): cells.Value(0.75),
}


def test_a_table():
    rows = {'one': {}, 'two': {'epochs': '2'}, 'three': {'epochs': '3'}, '256': {'size': '256'}}
    columns = {
        'plain': HERE,
        'limits': {**HERE, **cells.INTERVAL},
        'settled': {**HERE, **cells.PRECISE},
        'mAP': {**HERE, **cells.AT_49},
        'training': {**HERE, **cells.TRAIN},
    }
    assert cells.table(VALUES, 'first', rows, columns) == (
        '| first | plain | limits | settled | training |\n'
        '| --- | --- | --- | --- | --- |\n'
        '| one | 0.123 | 0.123 (0.100 to 0.200) | 1.000 |  |\n'
        '| two | 0.500 | 0.500 |  |  |\n'
        '| 256 |  |  |  | 0.750 |\n'
    )


def test_differences_have_signs_and_intervals(tmp_path, monkeypatch):
    run = {'run': 'checkpoints_n1_10e', 'reference': 'checkpoints_n1_7e', 'definition': 'standard'}
    run |= {'distance': 'euclidean', 'difference': -0.0123, 'low': -0.02, 'high': 0.004}
    others = [
        {'k': 1099, 'difference': 0.003, 'definition': 'paper'},
        {'distance': 'cosine', 'k': 49},
    ]
    table = tmp_path / protocol_l.FROM_7
    differences.record(table, [{**run, 'k': 49}, *({**run, **other} for other in others)])
    monkeypatch.setattr(cells, 'RESULTS', tmp_path)
    assert protocol_l.since('7', protocol_l.FROM_7, protocol_l.EPOCHS) == (
        '| minus 7 epochs | mAP@49 | mAP@1099 |\n'
        '| --- | --- | --- |\n'
        '| 10 epochs | −0.012 (−0.020 to +0.004) |  |\n'
    )
    differences.record(tmp_path / protocol_l.FROM_10, [{**run, 'k': 49, 'definition': 'paper'}])
    assert protocol_l.for_the_same_time() == ''  # no row in the standard definition


def test_mixed_precision_is_compared_seed_by_seed(monkeypatch):
    monkeypatch.setattr(comparisons, 'AT_8', {'accuracy': {**cells.TEST, 'epochs': '8'}})
    accuracies = {
        **{'': 0.5, '_mixed': 0.51, '_seed1': 0.7, '_seed1_mixed': 0.68},
        **{'_seed2': 0.6, '_seed2_mixed': 0.604, '_seed3': 0.9},
    }
    values = {
        (f'precision/checkpoints_n1_batch32{mark}_8e', '8', '128', 'accuracy', 'test', *[''] * 4): (
            cells.Value(value)
        )
        for mark, value in accuracies.items()
    }
    assert comparisons.precision_differences(values) == (
        '| mixed minus float32, 8 epochs | accuracy |\n'
        '| --- | --- |\n'
        '| skNet, seed 0 | +0.010 |\n'
        '| skNet, seed 1 | −0.020 |\n'
        '| skNet, seed 2 | +0.004 |\n'
        '| skNet, mean ± standard error | −0.002 ± 0.009 |\n'
        "| skNet, float32's standard deviation between seeds | 0.100 |\n"
    )


def test_a_missing_table_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, 'RESULTS', tmp_path)
    for read in (cells.measured, protocol_l.for_the_same_time):
        with pytest.raises(InputError, match=r'\.csv: missing; restore it'):
            read()


def test_the_course_of_a_curve_beside_the_papers():
    key = ('L/checkpoints_n1_{0}e', '{0}', '128', 'mAP', 'test', 'paper', 'euclidean', '', '49')
    values = {
        tuple(part.format(epochs) for part in key): cells.Value(value)
        for epochs, value in ((7, 0.5), (10, 0.45))
    }
    table = protocol_l.beside_paper(values).splitlines()
    assert table[0].endswith('| 7 epochs | 10 epochs | 17 epochs | 10 over 7 | 17 over 7 |')
    assert '| mAP@49, here | 0.500 | 0.450 |  | 0.90 |  |' in table
    assert '| mAP@49, the paper | 0.245 | 0.234 | 0.214 | 0.96 | 0.87 |' in table


def test_a_document_is_filled():
    text = 'a\n<!-- table: x -->\n| old |\n| 1 |\n\n| other |\n<!-- table: y -->\nend\n'
    found = {'x': '| new |\n', 'y': '| 2 |\n'}
    once = tables.filled(text, found)
    assert once == ('a\n<!-- table: x -->\n| new |\n\n| other |\n<!-- table: y -->\n| 2 |\nend\n')
    assert tables.filled(once, found) == once


def test_every_table_has_a_place_in_a_document():
    texts = [path.read_text(encoding='utf-8') for path in tables.DOCUMENTS]
    placed = [place[1] for text in texts for place in tables.PLACE.finditer(text)]
    assert sorted(placed) == sorted(tables.tables({}, []))


@pytest.mark.parametrize('path', tables.DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_are_up_to_date(path):
    text = path.read_text(encoding='utf-8')
    assert tables.PLACE.search(text)
    found = tables.tables(tables.measured(), speeds.read())
    assert tables.filled(text, found) == text


@pytest.mark.parametrize(
    ('limits', 'said'),
    [
        ([(-0.03, -0.01), (-0.03, -0.01), (-0.01, 0.02)], 'falls'),
        ([(-0.03, -0.01), (-0.01, 0.02), (-0.01, 0.02)], 'undecided'),  # in one seed only
        ([(-0.006, -0.001), (-0.006, -0.001), (-0.004, 0.01)], 'undecided'),  # by less than 0.005
        ([(-0.004, 0.01), (0.01, 0.02), (-0.004, 0.0)], 'does not fall'),
    ],
)
def test_the_rule_of_protocol_m(limits, said):
    assert protocol_m.verdict([((low + high) / 2, low, high) for low, high in limits]) == said
