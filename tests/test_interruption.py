"""Training that is killed, stopped, out of disk space, or has a corrupt checkpoint."""

import dataclasses
import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import NARROW, ROOT, step_in, variables
from conftest import NARROW_NAME as NAME

import train
from sketch import locks
from sketch.backend.setup import tf
from sketch.errors import InputError
from sketch.reporting import results
from sketch.runs import checkpoints, folders, run_folder
from sketch.runs import settings as run_settings
from sketch.training import loop, signals


@pytest.fixture
def arguments(small_dataset, tmp_path):
    """The command line of a narrow training into tmp_path, less its epochs.

    24 images in batches of 8 are 3 steps an epoch.
    """
    common = ['--data', small_dataset.folder, '--checkpoints', tmp_path]
    common += ['--results', tmp_path / 'results.csv', *NARROW, '--measure', 'test']
    return [str(argument) for argument in common]


def start(arguments, **options):
    command = [sys.executable, '-u', str(ROOT / 'train.py'), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_same_command_resumes(arguments, tmp_path, number):
    running = start([*arguments, '--epochs', '4000'])
    next(line for line in running.stdout if 'epochs, step' in line)  # under way
    running.send_signal(number)
    rest = running.stdout.read()
    assert running.wait(60) == 128 + number
    folder = tmp_path / f'{NAME}_4000e'
    step = step_in(folder)
    assert 0 < step < 12_000
    last = rest.splitlines()[-1]
    assert last.startswith(f'train.py: {folder}: stopped at step {step}')
    assert rest.count('stopping: finishing the step, then saving a checkpoint\n') == 1
    assert 'the same command resumes' in last
    # What the same command would resume from; waiting for 4000 epochs would take too long.
    settings = run_settings.load(folder)
    found = run_folder.prepare(folder, settings, 12_000)
    assert folders.step_of(found) == step


def test_a_signal_is_announced_while_a_step_runs(monkeypatch):
    hook, seen = signals.StopOnSignalHook(), []
    # Python's own handler, which sets hook.signal, must wait for the end of the step.
    monkeypatch.setattr('builtins.print', lambda line, **_: seen.append((line, hook.signal)))
    with signals.handle_signals(hook):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        hashlib.pbkdf2_hmac('sha256', b'', b'', 2_000_000)  # a second in C, as a step
        assert hook.signal == signal.SIGTERM
    assert seen == [('stopping: finishing the step, then saving a checkpoint', None)]


def test_a_second_signal_ends_at_once():
    code = (
        'import hashlib, os, signal, threading, time\n'
        'from sketch.training import signals\n'
        'def send():\n'
        '    time.sleep(0.3)\n'
        '    os.kill(os.getpid(), signal.SIGINT); time.sleep(0.2)\n'
        '    os.kill(os.getpid(), signal.SIGINT)\n'
        'with signals.handle_signals(signals.StopOnSignalHook()):\n'
        '    threading.Thread(target=send).start()\n'
        '    hashlib.pbkdf2_hmac("sha256", b"", b"", 2 * 10**9)\n'  # half an hour in C, as a step
    )
    command = [sys.executable, '-c', code]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 130
    assert ended.stderr.splitlines()[-1] == 'stopped without saving'


def test_killed_20_times_it_ends_at_its_step(arguments, tmp_path):
    random = np.random.default_rng(0)
    folder = tmp_path / f'{NAME}_300e'
    killed = 0
    # Before the first step, between steps, while saving and evaluating: starting takes seconds.
    for _ in range(20):
        running = start([*arguments, '--epochs', '300'], start_new_session=True)
        time.sleep(random.uniform(1.5, 7))
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            killed += 1
        running.communicate()
    assert killed > 15, 'most runs should not be at their end before'
    last = start([*arguments, '--epochs', '300'])
    printed, _ = last.communicate(timeout=200)
    assert last.returncode == 0, printed
    assert step_in(folder) == 900
    assert [path.name for path in folder.glob('*.index')] == ['model.ckpt-900.index']


def cut(folder, name):
    path = folder / f'{name}.data-00000-of-00001'
    path.write_bytes(path.read_bytes()[:-100])


def flip(folder, name):
    path = folder / f'{name}.data-00000-of-00001'
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def lose_data(folder, name):
    (folder / f'{name}.data-00000-of-00001').unlink()


def lose_index(folder, name):
    (folder / f'{name}.index').unlink()


@pytest.mark.parametrize('damage', [cut, flip, lose_data, lose_index])
def test_a_corrupt_checkpoint_is_removed_and_the_previous_one_used(
    arguments, small_dataset, tmp_path, capsys, damage
):
    folder = tmp_path / f'{NAME}_3e'
    train.main([*arguments, '--epochs', '3'])
    settings = run_settings.load(folder)
    # As if killed on the way to epoch 5: two checkpoints, the newer one corrupt.
    longer = dataclasses.replace(settings, epochs=5)
    run_settings.save(folder, longer)
    later = folder.rename(tmp_path / f'{NAME}_5e')
    folders.name_latest(later, 'model.ckpt-9')
    loop.train_steps(loop.Run(later, longer, small_dataset), 9, 12)
    damage(later, 'model.ckpt-12')
    with pytest.raises(InputError, match=r'model\.ckpt-12: corrupt'):
        checkpoints.open_checkpoint(later, small_dataset)
    capsys.readouterr()
    train.main([*arguments, '--epochs', '5'])
    printed = capsys.readouterr().out
    assert 'model.ckpt-12: corrupt' in printed
    assert 'removed' in printed
    assert step_in(later) == 15


def test_all_checkpoints_of_a_folder_deleted(arguments, tmp_path, capsys):
    folder = tmp_path / f'{NAME}_2e'
    train.main([*arguments, '--epochs', '2'])
    before = variables(folder)
    for path in folder.glob('model.ckpt-*'):
        path.unlink()
    capsys.readouterr()
    train.main([*arguments, '--epochs', '2'])
    assert f'{folder}: no intact checkpoint; restarting from scratch' in capsys.readouterr().out
    assert set(variables(folder)) == set(before)
    assert step_in(folder) == 6


def test_a_checkpoint_that_cannot_be_read_is_not_removed(arguments, tmp_path):
    folder = tmp_path / f'{NAME}_2e'
    train.main([*arguments, '--epochs', '2'])
    data = folder / 'model.ckpt-6.data-00000-of-00001'
    data.rename(tmp_path / 'data')
    data.mkdir()  # as good as a disk that fails: it is there, and reading it is an OSError
    with pytest.raises(IsADirectoryError):
        train.main([*arguments, '--epochs', '2'])
    data.rmdir()
    (tmp_path / 'data').rename(data)
    train.main([*arguments, '--epochs', '2'])
    assert step_in(folder) == 6


def test_without_an_intact_checkpoint_the_run_restarts(arguments, tmp_path, capsys):
    folder = tmp_path / f'{NAME}_2e'
    train.main([*arguments, '--epochs', '2'])
    cut(folder, 'model.ckpt-6')
    train.main([*arguments, '--epochs', '2'])
    assert 'restarting from scratch' in capsys.readouterr().out
    assert step_in(folder) == 6


def test_two_trainings_into_one_folder(arguments, tmp_path):
    folder = tmp_path / f'{NAME}_2e'
    folder.mkdir()
    with locks.exclusive(folder, 'training'):
        ended = start([*arguments, '--epochs', '2'])
        printed, _ = ended.communicate()
    assert ended.returncode == 2
    assert 'works on its training' in printed.splitlines()[-1]
    assert list(folder.iterdir()) == []


def test_a_disk_that_takes_no_checkpoint(arguments, small_dataset, tmp_path):
    train.main([*arguments, '--epochs', '0'])
    settings = run_settings.load(tmp_path / f'{NAME}_0e')
    longer = dataclasses.replace(settings, epochs=2)
    folder = tmp_path / f'{NAME}_2e'
    folder.mkdir()
    run = loop.Run(folder, longer, small_dataset)
    assert loop.prepare(run) == 0  # from the folder of 0 epochs
    loop.train_steps(run, 0, 3)
    ended = start(
        [*arguments, '--epochs', '2'],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    printed, _ = ended.communicate(timeout=100)
    assert ended.returncode == 2, printed
    assert 'Traceback' not in printed
    assert 'File too large' in printed.splitlines()[-1]
    assert step_in(folder) == 3
    train.main([*arguments, '--epochs', '2'])
    assert step_in(folder) == 6


def test_deterministic_runs_are_equal_to_the_bit_resumed_or_not(arguments, tmp_path):
    runs = []
    for place, epochs in (('a', ['4']), ('b', ['4']), ('c', ['1.5', '4'])):
        ended = start(
            [
                *arguments,
                *('--deterministic', '--checkpoints', str(tmp_path / place), '--epochs', *epochs),
            ]
        )
        printed, _ = ended.communicate(timeout=200)
        assert ended.returncode == 0, printed
        runs.append(variables(tmp_path / place / f'{NAME}_deterministic_4e'))
    for other in runs[1:]:
        assert other.keys() == runs[0].keys()
        for name, value in other.items():
            assert np.array_equal(value, runs[0][name]), name


def test_every_epoch_is_measured(arguments, tmp_path):
    train.main([*arguments, '--epochs', '1.5', '3', '--eval-every-epoch'])
    rows = results.read(tmp_path / 'results.csv')
    measured = {(row['run'][-4:], row['epochs'], row['step'], row['metric']) for row in rows}
    points = {('1.5e', '0', '0'), ('1.5e', '1', '3'), ('1.5e', '1.5', '4')}
    points |= {('_3e', '2', '6'), ('_3e', '3', '9')}
    every = {
        (run, e, s, metric) for run, e, s in points for metric in ('accuracy', 'mAP', 'compactness')
    }
    assert {(run if run != '8_3e' else '_3e', *rest) for run, *rest in measured} == every
    # As if interrupted while the last epoch was measured: the same command makes up for it.
    table = tmp_path / 'results.csv'
    kept = [row for row in rows if (row['epochs'], row['metric']) != ('3', 'mAP')]
    table.unlink()
    results.record(table, kept)
    train.main([*arguments, '--epochs', '1.5', '3', '--eval-every-epoch'])
    assert len(results.read(table)) == len(rows) > len(kept)
    events = [path for path in tmp_path.rglob('events.*')]
    tags = {
        value.tag
        for path in events
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert {'loss', 'batch_accuracy', 'learning_rate', 'accuracy_test'} <= tags
    assert any(tag.startswith('drawings') for tag in tags)
