"""The tables of the documents are those of docs/results/."""

import pytest

from benchmarks import performance
from tools import fill_tables as tables

HERE = {'series': 'run', 'epochs': '1', **tables.TEST}
VALUES = {
    ('run_1e', '1', '128', 'accuracy', 'test', '', '', '', ''): 0.12345,
    ('run_2e', '2', '128', 'accuracy', 'test', '', '', '', ''): 0.5,
    ('run_precise-bn_1e', '1', '128', 'accuracy', 'test', '', '', '', ''): 1.0,
    ('run_1e', '1', '256', 'accuracy', 'train', '', '', '', ''): 0.75,
}


def test_a_table():
    rows = {'one': {}, 'two': {'epochs': '2'}, 'three': {'epochs': '3'}, '256': {'size': '256'}}
    columns = {
        'plain': HERE,
        'settled': {**HERE, **tables.PRECISE},
        'mAP': {**HERE, **tables.AT_49},
        'training': {**HERE, **tables.TRAIN},
    }
    assert tables.table(VALUES, 'first', rows, columns) == (
        '| first | plain | settled | training |\n'
        '| --- | --- | --- | --- |\n'
        '| one | 0.123 | 1.000 |  |\n'
        '| two | 0.500 |  |  |\n'
        '| 256 |  |  | 0.750 |\n'
    )


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
    found = tables.tables(tables.measured(), performance.read())
    assert tables.filled(text, found) == text
