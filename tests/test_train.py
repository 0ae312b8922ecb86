"""Training, run as a user runs it: steps, folders, resuming, refusals."""

import json
import shutil

import numpy as np
import pytest
from conftest import NARROW, options, step_in, summaries, variables
from conftest import NARROW_NAME as NAME
from PIL import Image

import mAP
import search
import train
from sketch.errors import InputError
from sketch.reporting import results
from sketch.runs.settings import Settings


@pytest.mark.parametrize(
    ('epochs', 'images', 'batch', 'steps'),
    [
        (10, 100_000, 128, 7812),
        (0.5, 100, 16, 3),
        (0.29, 100, 1, 29),  # 0.29 * 100 is 28.999... in floating point
        (0.01, 10, 128, 1),
        (0, 100, 16, 0),
    ],
)
def test_steps(epochs, images, batch, steps):
    settings = Settings('n1', (), 2, epochs, images=images, batch_size=batch)
    assert settings.last_step == steps
    assert settings.is_finished(steps)
    assert not settings.is_finished(steps - 1)


@pytest.fixture
def run(small_dataset, tmp_path):
    """Return a function that trains into tmp_path and gives the accuracies measured so far."""

    def call(*arguments):
        train.main(options(small_dataset, tmp_path, *NARROW, *arguments))
        return {
            (row['epochs'], row['split']): float(row['value'])
            for row in results.read(tmp_path / 'results.csv')
        }

    return call


def test_one_run_leaves_a_folder_at_each_count(run, trained, tmp_path, capsys):
    folder = trained(tmp_path, 0, 1, 2)  # of one run
    folders = [tmp_path / f'{NAME}_{epochs}e' for epochs in (0, 1, 2)]
    assert [step_in(folder) for folder in folders] == [0, 3, 6]  # 24 images in batches of 8
    assert [len(list(folder.glob('*.index'))) for folder in folders] == [1, 1, 1]
    settings = json.loads((folder / 'settings.json').read_text())
    assert (settings['epochs'], settings['batch_size'], settings['size']) == (2, 8, 96)
    assert list(folder.glob('events.*'))

    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*') if path.is_file()}
    measured = run('--epochs', '2', '0', '1')
    assert set(measured) == {(e, s) for e in '012' for s in ('train', 'test')}
    assert capsys.readouterr().out.count('skipped') == 3
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*') if p.is_file()} == before


def test_a_later_count_resumes_from_the_nearest(run, trained, tmp_path, capsys):
    trained(tmp_path, 0, 1)
    first = variables(tmp_path / f'{NAME}_1e')
    run('--epochs', '2', '1')
    assert f'starts from {tmp_path / f"{NAME}_1e"}/model.ckpt-3' in capsys.readouterr().out
    assert step_in(tmp_path / f'{NAME}_2e') == 6
    kept = variables(tmp_path / f'{NAME}_1e')
    assert all(np.array_equal(kept[name], first[name]) for name in first)


def test_the_seed_decides_the_initial_variables(run, trained, tmp_path):
    def kernels(folder):
        return {k: v for k, v in variables(folder).items() if k.endswith('kernel')}

    run('--epochs', '0', '--measure', 'test')
    run('--epochs', '0', '--measure', 'test', '--seed', '1')
    again = kernels(trained(tmp_path / 'other', 0))
    other = kernels(tmp_path / f'{NAME}_seed1_0e')
    for name, value in kernels(tmp_path / f'{NAME}_0e').items():
        assert np.array_equal(value, again[name]), name
        assert not np.array_equal(value, other[name]), name


def test_only_what_is_asked_for_and_missing_is_measured(run, trained, tmp_path, capsys):
    trained(tmp_path, 0)
    path = tmp_path / 'results.csv'
    dataset = results.read(path)[0]['dataset']
    # What was measured on another data set does not count.
    path.write_text(path.read_text().replace(dataset, '0123456789abcdef'))
    run('--epochs', '0', '--measure', 'test')
    assert 'skipped' not in capsys.readouterr().out
    rows = results.read(path)
    assert [row['split'] for row in rows if row['dataset'] == dataset] == ['test']
    assert len(rows) == 3
    run('--epochs', '0', '--measure', 'test')
    assert 'skipped' in capsys.readouterr().out
    run('--epochs', '0')
    assert len(results.read(path)) == 4


@pytest.mark.parametrize('place', ['notes.csv', f'{NAME}_1e/results.csv'])
def test_a_results_file_that_cannot_be_is_refused_before_any_training(run, tmp_path, place):
    (tmp_path / 'notes.csv').write_bytes(b'\xff\xfe not a table')
    with pytest.raises(InputError, match=place.split('/')[-1]):
        run('--epochs', '1', '--results', tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ['notes.csv']


def test_a_killed_preparation_is_not_taken_for_a_run(run, tmp_path):
    folder = tmp_path / f'{NAME}_1e'
    folder.mkdir()
    (folder / '.preparing').touch()
    (folder / 'model.ckpt-3.index').write_text('half')
    run('--epochs', '1', '--measure', 'test')
    assert step_in(folder) == 3
    assert not (folder / '.preparing').exists()


def test_other_settings_are_neither_continued_nor_started_from(run, trained, tmp_path, capsys):
    path = trained(tmp_path, 0) / 'settings.json'
    path.write_text(path.read_text().replace('"images": 24', '"images": 25'))
    with pytest.raises(InputError, match='trained with images 25 not 24'):
        run('--epochs', '0')
    run('--epochs', '1', '--measure', 'test')
    printed = capsys.readouterr().out
    assert 'not used, it was trained with images 25 not 24' in printed
    assert 'starts from' not in printed
    path.unlink()
    with pytest.raises(InputError, match='has no settings'):
        run('--epochs', '0')


def test_other_pixels_under_the_same_names(run, trained, small_dataset, tmp_path, capsys):
    trained(tmp_path, 0)
    data = shutil.copytree(small_dataset.folder, tmp_path / 'data')
    run('--epochs', '0', '--data', data)
    assert 'skipped' in capsys.readouterr().out
    Image.new('L', (96, 96), 255).save(next((data / 'training').rglob('*.png')))
    with pytest.raises(InputError, match='trained with content'):
        run('--epochs', '0', '--data', data)


@pytest.mark.filterwarnings('ignore:overflow:RuntimeWarning')
@pytest.mark.parametrize(
    ('epochs', 'rate', 'kept'), [('2', '1e30', 0), ('0.1', '1e39', 0), ('0.1', '1e30', 1)]
)
def test_a_loss_or_weights_that_are_not_finite_stop_the_run(run, tmp_path, epochs, rate, kept):
    # The loss of the last step is still that of the weights before it. 1e39 is no float32.
    reason = 'the loss is NaN' if epochs == '2' else 'NaN or infini'
    for _ in range(2):  # the next run does not take it for finished
        with pytest.raises(InputError, match=f'{reason}.*smaller learning rate'):
            run('--epochs', epochs, '--learning-rate', rate)
        (index,) = tmp_path.rglob('*.ckpt-*.index')
        assert index.stem == f'model.ckpt-{kept}'  # 0: the untrained network
    assert not (tmp_path / 'results.csv').exists()


def test_the_learning_rate_falls_each_epoch(run, tmp_path):
    halved = ['--learning-rate-decay', '0.5', '--batch-size', '16']
    run('--epochs', '14', *halved, '--measure', 'test')
    rates = summaries(tmp_path)['learning_rate']
    last = max(rates)
    assert last > 15
    # 1.5 steps an epoch; the summary may show the rate before the step or after it.
    assert rates[last] == pytest.approx(0.001 * 0.5 ** ((last - 0.5) / 1.5), rel=0.3)


def test_a_run_too_short_for_batch_norm_says_so(run, trained, tmp_path, capsys):
    def said(*arguments):
        (tmp_path / 'results.csv').unlink(missing_ok=True)
        capsys.readouterr()
        run(*arguments, '--measure', 'test')
        return capsys.readouterr().out

    trained(tmp_path, 0, 1)
    printed = said('--epochs', '0', '1')
    assert printed.count('settle in') == 1  # untrained, they are not expected to
    assert '3 steps, but the statistics of batch norm settle in about 200' in printed
    assert 'tools.precise_bn' in printed
    larger = '1 steps (a batch is larger than the training set), but'
    assert larger in said('--epochs', '1', '--batch-size', '30')
    assert 'settle in' not in said('--epochs', '3', '--batch-norm-momentum', '0.5')  # 9 of 8 steps


def test_it_learns(run):
    measured = run('--epochs', '30', '--learning-rate', '0.003', '--batch-norm-momentum', '0.9')
    assert measured['30', 'train'] > 0.6  # chance is 0.33


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('--margin 0.5 --images-per-class 2', '--margin, --images-per-class: only with'),
        ('--net n2 --filters 2 2 2 2', '--filters: only skNet has them; give --net n1'),
        ('--net n2 n1 --filters 2 2 2', '--filters: skNet takes 4, not 3'),
    ],
)
def test_options_that_would_have_no_effect(arguments, message, small_dataset, tmp_path):
    with pytest.raises(InputError, match=message):
        train.main(options(small_dataset, tmp_path, *arguments.split()))
    assert not list(tmp_path.iterdir())


def test_queries_without_relevant_images(make_dataset, trained, tmp_path, monkeypatch):
    folder = trained(tmp_path, 0)
    monkeypatch.chdir(tmp_path)
    make_dataset(tmp_path / 'one', test=1)
    data = ['--data', str(tmp_path / 'one')]
    every = ['--checkpoints', str(tmp_path / 'new'), '--eval-every-epoch']
    for main, arguments in (
        (train.main, every),
        (mAP.main, [str(folder)]),
        (search.main, ['--checkpoint', str(folder), '--examples', 'best']),
    ):
        with pytest.raises(InputError, match='one: no category has 2 test images'):
            main([*data, *arguments])
    assert not (tmp_path / 'new').exists()
