"""results.csv: rows are replaced, never doubled, and no update is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, full_disk

from sketch import atomic, tables
from sketch.errors import InputError
from sketch.reporting import differences, results

ROW = {'run': 'checkpoints_n1_10e', 'net': 'n1', 'metric': 'accuracy', 'epochs': 10.0, 'step': 7}


def test_a_row_measured_again_replaces_the_first(tmp_path):
    path = tmp_path / 'results.csv'
    assert results.read(path) == []
    results.record(path, [{**ROW, 'value': 0.1 + 0.2}])
    results.record(path, [{**ROW, 'split': 'test', 'value': 0.5}])
    results.record(path, [{**ROW, 'value': 1 / 3, 'interval': 'queries', 'seen': 3}])
    rows = results.read(path)
    assert [(row['split'], float(row['value'])) for row in rows] == [('', 1 / 3), ('test', 0.5)]
    assert (rows[0]['epochs'], rows[0]['step'], rows[0]['k']) == ('10', '7', '')
    assert (rows[0]['interval'], rows[0]['seen'], rows[0]['weights']) == ('queries', '3', '')
    assert list(rows[0]) == results.COLUMNS


@pytest.mark.parametrize('column', ['weights', 'dataset'])
def test_unknown_weights_or_images_are_equal_to_no_known_ones(tmp_path, column):
    path = tmp_path / 'results.csv'
    for known in ('', 'abc', 'def'):
        results.record(path, [{**ROW, column: known, 'value': 0.5}])
    assert [row[column] for row in results.read(path)] == ['', 'abc', 'def']


def test_a_row_is_found_by_some_of_its_columns(tmp_path):
    path = tmp_path / 'results.csv'
    results.record(path, [{**ROW, 'value': 0.5}])
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())  # as some programs save it
    assert results.has(path, {'net': 'n1', 'step': 7, 'epochs': 10.0, 'k': None})
    assert not results.has(path, {'net': 'n1', 'step': 70})
    assert not results.has(tmp_path / 'none.csv', {'net': 'n1'})


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path):
    results.check(tmp_path / 'new' / 'folder' / 'results.csv')
    (tmp_path / 'file').touch()
    for path in (tmp_path / 'file' / 'results.csv', tmp_path / 'file' / 'a' / 'results.csv'):
        with pytest.raises((InputError, OSError)):
            results.check(path)
    (tmp_path / 'results').mkdir()
    with pytest.raises((InputError, OSError)):
        results.check(tmp_path / 'results')
    refused = pytest.raises(InputError, match=r'results\.csv: cannot be written; give another')
    with full_disk(), refused:
        results.check(tmp_path / 'results.csv')


def test_a_table_that_other_programs_saved(tmp_path):
    path = tmp_path / 'results.csv'
    rows = [{**ROW, 'value': 0.5, 'seen': 3, 'k': 49}, {**ROW, 'split': 'test', 'value': 1 / 3}]
    results.record(path, rows)
    known = results.read(path)
    # pandas adds row numbers, and points to the numbers of a column with an empty cell.
    lines = path.read_text().splitlines()
    saved = [f'{number},{line}' for number, line in enumerate(lines[1:])]
    saved[0] = saved[0].replace(',49,', ',49.0,').replace(',10,7,', ',10.0,7.0,')
    assert saved[0].count('.0,') == 3
    path.write_text('\n'.join([f',{lines[0]}', *saved]))
    assert results.read(path) == known
    results.record(path, rows)
    assert len(results.read(path)) == 2  # measured again, not doubled
    # The order of the columns does not matter.
    path.write_text('\n'.join(','.join(line.split(',')[::-1]) for line in lines))
    assert results.read(path) == known


def test_a_full_disk_is_told_with_the_users_path(tmp_path):
    path = tmp_path / 'results.csv'
    results.record(path, [{**ROW, 'value': 0.5}])
    before = path.read_bytes()
    with full_disk(), pytest.raises(OSError, match='File too large') as told:
        atomic.write_bytes(path, bytes(2000))
    assert told.value.filename == str(path)
    refused = pytest.raises(InputError, match=f'{tmp_path}/new: File too large; make room')
    with refused, atomic.new_folder(tmp_path / 'new') as building, full_disk():
        (building / 'file').write_bytes(bytes(2000))
    with full_disk(), pytest.raises(InputError, match='new: .* cannot be written to'):
        atomic.new_folder(tmp_path / 'new').__enter__()
    with full_disk(), pytest.raises(InputError, match='no room for temporary files; .* TMPDIR'):
        atomic.room_for_temporary_files().__enter__()
    assert [file.name for file in tmp_path.iterdir()] == ['results.csv']
    assert path.read_bytes() == before


def test_a_folder_that_stays_empty_is_removed_with_its_parents(tmp_path):
    (tmp_path / 'there').mkdir()
    for folder in (tmp_path / 'there' / 'a' / 'b', tmp_path / 'there'):
        with atomic.made_folder(folder):
            assert folder.is_dir()
    assert list(tmp_path.rglob('*')) == [tmp_path / 'there']
    with atomic.made_folder(tmp_path / 'a' / 'b') as folder:
        (folder / 'file').touch()
    assert folder.is_dir()


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'empty; remove it'),
        (b'PK\xff\x00', 'not a table of results'),
        (','.join(results.COLUMNS).encode() + b'\nx,n1\n', 'not a table of results'),
        (','.join(results.COLUMNS[1:]).encode() + b'\n', 'not a table of results: .*it lacks run'),
        (','.join([*results.COLUMNS, 'note']).encode(), 'not a .*: line 1: it also has note'),
        (
            ','.join([*results.COLUMNS, 'k']).encode(),
            'line 1: the column k is there twice',
        ),
        (
            ';'.join(results.COLUMNS).encode() + b'\nx;n1',
            "line 1: ';' separates its cells",
        ),
    ],
)
def test_another_table_is_refused(tmp_path, content, reason):
    (tmp_path / 'results.csv').write_bytes(content)
    with pytest.raises(InputError, match=rf'results\.csv: .*{reason}'):
        results.record(tmp_path / 'results.csv', [ROW])
    assert (tmp_path / 'results.csv').read_bytes() == content


def test_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / 'results.csv'
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: results.record(path, [{**ROW, 'k': k, 'value': 0.5}]), range(40)))
    assert sorted(int(row['k']) for row in results.read(path)) == list(range(40))


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'value': ''}, 'value is empty'),
        ({'value': 'nan'}, "value is 'nan', not a number"),
        ({'value': -5}, "value is '-5', not between 0 and 1"),
        ({'epochs': 'inf'}, "epochs is 'inf', not a number"),
        ({'k': '4.5'}, "k is '4.5', not a whole number"),
        ({'k': '9' * 400}, 'not a whole number'),
        ({'low': 0.4}, "low is '0.4' and high is '', no interval"),
        ({'low': 0.6, 'high': 0.4}, "low is '0.6' and high is '0.4', no interval"),
        ({'low': 0.6, 'high': 0.7}, "value is '0.5', not between low '0.6' and high '0.7'"),
        ({'low': 0.3, 'high': 0.4}, "value is '0.5', not between low '0.3' and high '0.4'"),
        ({'split': 'Test'}, "split is 'Test', not one of train, test"),
        ({'metric': 'map'}, "metric is 'map', not one of accuracy, mAP, compactness"),
        ({'definition': 'Paper'}, "definition is 'Paper', not one of standard, found, all, paper"),
        ({'distance': 'L2'}, "distance is 'L2', not one of euclidean, cosine"),
        (
            {'variant': 'by class'},
            "variant is 'by class', not one of rerank, rerank-probability, embedding",
        ),
        ({'interval': 'both'}, "interval is 'both', not one of queries, images"),
        ({'epochs': 20}, "epochs is '20', but the run ends at 10"),
    ],
)
def test_a_corrupt_cell_is_named(tmp_path, change, reason):
    path = tmp_path / 'results.csv'
    results.record(path, [{**ROW, 'step': 8, 'value': 0.5}, {**ROW, 'value': 0.5, **change}])
    content = path.read_bytes()
    with pytest.raises(InputError) as caught:
        results.record(path, [ROW])
    assert 'results.csv: line 3, checkpoints_n1_10e: ' in str(caught.value)
    assert f'{reason}; correct' in str(caught.value)
    assert path.read_bytes() == content


def test_two_rows_of_one_key_are_refused(tmp_path):
    path = tmp_path / 'results.csv'
    results.record(path, [{**ROW, 'value': 0.5}, {**ROW, 'split': 'test', 'value': 0.5}])
    text = path.read_text()
    path.write_text(text + text.splitlines()[1].replace(',0.5,', ',0.75,') + '\n')
    with pytest.raises(InputError, match='line 4, checkpoints_n1_10e: tells the same as line 2'):
        results.read(path)


def test_rows_of_the_project_are_right(tmp_path):
    row = {**ROW, 'metric': 'mAP', 'distance': 'cosine', 'variant': 'rerank', 'interval': 'images'}
    rows = [
        {**row, 'epochs': epochs, 'value': value, 'low': low, 'high': high, 'split': 'test'}
        # At some of the epochs; summed in another order; nothing or all correct.
        for epochs, value, low, high in (
            *((0.0, 0.1, 0.1 + 1e-16, 0.2), (2.5, 0, 0, 0.1), (10, 1, 0.9, 1)),
            (9, 0.3, 0.2, 0.3 - 1e-16),
        )
    ]
    rows.append({**row, 'run': 'mine', 'epochs': 3.0, 'value': 0.5})
    rows.append({**row, 'run': 'a_0.333333333333e', 'epochs': 1 / 3, 'value': 0.5})
    results.record(tmp_path / 'results.csv', rows)
    assert len(results.read(tmp_path / 'results.csv')) == len(rows)
    for path in (ROOT / 'docs' / 'results').glob('*.csv'):
        columns, found = tables.read(path)
        for kind in (results.TABLE, differences.TABLE):
            if columns == kind.columns:
                assert len(kind.read(path)) == len(found), path


def test_a_link_to_a_shared_table_stays_one(tmp_path):
    shared, link = tmp_path / 'shared.csv', tmp_path / 'results.csv'
    results.record(shared, [{**ROW, 'value': 0.5}])
    link.symlink_to(shared)
    results.record(link, [{**ROW, 'split': 'test', 'value': 0.25}])
    assert link.is_symlink()
    assert len(results.read(shared)) == 2
