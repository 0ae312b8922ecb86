"""Training that is killed, stopped, out of disk space, or has a corrupt checkpoint."""

import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import NARROW, ROOT, as_if_killed, options, run_code, step_in, summaries, variables
from conftest import NARROW_NAME as NAME

import train
from sketch import locks
from sketch.backend.setup import tf
from sketch.errors import InputError
from sketch.reporting import results
from sketch.runs import checkpoints, folders, run_folder
from sketch.runs import settings as run_settings
from sketch.training import hooks, signals

DATA = '.data-00000-of-00001'  # what TensorFlow adds to a checkpoint's name


@pytest.fixture(autouse=True)
def as_in_a_terminal():
    """Let processes meet SIGHUP as in a terminal, where nohup has started the tests, too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def arguments(small_dataset, tmp_path):
    """The command line of a narrow training into tmp_path, less its epochs.

    24 images in batches of 8 are 3 steps an epoch.
    """
    return options(small_dataset, tmp_path, *NARROW, '--measure', 'test')


def start(arguments, **more):
    command = [sys.executable, '-u', str(ROOT / 'train.py'), *arguments]
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    return subprocess.Popen(command, **pipes, **more)


def test_a_signal_saves_and_the_same_command_resumes(arguments, tmp_path):
    running = start([*arguments, '--epochs', '4000'])
    next(line for line in running.stdout if 'epochs, step' in line)  # under way
    for _ in range(2):  # of a terminal that was closed: the shell and the system send it
        running.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    rest = running.stdout.read()
    assert running.wait(60) == 128 + signal.SIGHUP
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


def test_a_signal_is_announced_during_a_step_and_a_second_one_ends_at_once():
    code = (
        'import hashlib, os, signal, threading, time\n'
        'from sketch.training import hooks, signals\n'
        'def send():\n'
        '    time.sleep(0.3)\n'
        '    os.kill(os.getpid(), signal.SIGINT); time.sleep(0.2)\n'
        '    os.kill(os.getpid(), signal.SIGINT)\n'
        'with signals.handle_signals(signals.StopOnSignalHook()):\n'
        '    threading.Thread(target=send).start()\n'
        '    hashlib.pbkdf2_hmac("sha256", b"", b"", 2 * 10**9)\n'  # half an hour in C, as a step
    )
    ended = run_code(code)
    assert ended.returncode == 130
    # The step runs on; Python has not yet called the handlers of these signals.
    stopping = 'stopping: finishing the step, then saving a checkpoint'
    assert ended.stderr.splitlines()[-2:] == [stopping, 'stopped without saving']


def test_a_closed_terminal_leaves_time_to_save(tmp_path):
    code = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from sketch.training import hooks, signals
hook = signals.StopOnSignalHook()
with signals.handle_signals(hook):
    print('under way', flush=True)
    while hook.signal is None:
        time.sleep(0.01)
    time.sleep(0.1)
    print('to a terminal that is gone', flush=True)
    open(sys.argv[1], 'w').close()
"""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, '-c', code, str(tmp_path / 'saved')])
    printed = b''
    while b'under way' not in printed:
        printed += os.read(terminal, 1000)
    os.close(terminal)
    os.waitpid(process, 0)
    assert (tmp_path / 'saved').exists()


def test_signals_that_do_not_stop_it():
    def run():
        with signals.handle_signals(signals.StopOnSignalHook()):
            ran.append(threading.current_thread())

    ran, thread = [], threading.Thread(target=run)  # only the main thread gets signals
    thread.start()
    thread.join()
    assert ran == [thread]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        with signals.handle_signals(hook := signals.StopOnSignalHook()):
            os.kill(os.getpid(), signal.SIGHUP)
        assert hook.signal is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_killed_8_times_it_ends_at_its_step(arguments, tmp_path):
    random = np.random.default_rng(0)
    folder = tmp_path / f'{NAME}_200e'
    # While starting, between steps, and as soon as a file of the checkpoint at a step appears. Of
    # these each run reaches one, so that all of them are killed on a fast machine as well.
    for step in (None, 200, None, 400, None, 600, None, 600):
        running = start([*arguments, '--epochs', '200'], start_new_session=True)
        wait = random.uniform(0.5, 4) if step is None else 100
        end = time.monotonic() + wait
        while time.monotonic() < end and not list(folder.glob(f'model.ckpt-{step}*')):
            time.sleep(0.001)
        if step is not None:
            time.sleep(random.choice([0, 0.01, 0.1]))
        assert running.poll() is None, running.communicate()
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    last = start([*arguments, '--epochs', '200'])
    printed, _ = last.communicate(timeout=200)
    assert last.returncode == 0, printed
    assert step_in(folder) == 600
    assert [path.name for path in folder.glob('*.index')] == ['model.ckpt-600.index']


def test_at_most_200_steps_or_5_minutes_are_lost(tmp_path, monkeypatch):
    now = 0

    def saved_after(steps):
        for _ in range(steps):
            session.run(add)
        return folders.step_of(folders.latest(tmp_path))

    monkeypatch.setattr(time, 'time', lambda: now)
    with tf.Graph().as_default():
        add = tf.compat.v1.train.get_or_create_global_step().assign_add(1)
        hook = hooks.CheckpointHook(tmp_path)
        with tf.compat.v1.train.SingularMonitoredSession([hook]) as session:
            assert saved_after(150) == 0
            now = 299
            assert saved_after(1) == 0
            now = 301
            assert saved_after(1) == 152
            assert saved_after(199) == 152
            assert saved_after(1) == 352
            now = 302 + 300
            assert saved_after(1) == 353


def shortened(content):
    return content[:-10]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ('suffix', 'damage'),
    [(DATA, shortened), (DATA, flipped), (DATA, None), ('.index', shortened), ('.index', None)],
)
def test_a_corrupt_checkpoint_is_removed_and_the_previous_one_used(
    trained, small_dataset, tmp_path, capsys, suffix, damage
):
    folder = as_if_killed(trained(tmp_path, 2), epochs=4)
    for path in folder.glob('model.ckpt-6.*'):
        shutil.copy(path, folder / path.name.replace('-6.', '-9.'))
    folders.name_latest(folder, 'model.ckpt-9')
    path = folder / f'model.ckpt-9{suffix}'
    if damage:
        path.write_bytes(damage(path.read_bytes()))
    else:
        path.unlink()
    with pytest.raises(InputError, match=r'model\.ckpt-9: corrupt'):
        checkpoints.open_checkpoint(folder, small_dataset)
    found = run_folder.prepare(folder, run_settings.load(folder), 12)
    assert 'model.ckpt-9: corrupt' in (printed := capsys.readouterr().out)
    assert 'removed' in printed
    assert folders.step_of(found) == 6
    assert not list(folder.glob('model.ckpt-9*'))


def test_without_an_intact_checkpoint_the_run_restarts(arguments, trained, tmp_path, capsys):
    folder = trained(tmp_path, 1)
    before = variables(folder)
    path = folder / f'model.ckpt-3{DATA}'
    path.write_bytes(shortened(path.read_bytes()))
    train.main([*arguments, '--epochs', '1'])
    assert f'{folder}: no intact checkpoint; restarting from scratch' in capsys.readouterr().out
    assert set(variables(folder)) == set(before)
    assert step_in(folder) == 3
    for path in folder.glob('model.ckpt-*'):
        path.unlink()
    assert run_folder.prepare(folder, run_settings.load(folder), 3) is None
    assert 'restarting from scratch' in capsys.readouterr().out


def test_a_checkpoint_that_cannot_be_read_is_not_removed(arguments, trained, tmp_path):
    folder = trained(tmp_path, 2)
    data = folder / f'model.ckpt-6{DATA}'
    data.rename(tmp_path / 'data')
    data.mkdir()  # as good as a disk that fails: it is there, and reading it is an OSError
    with pytest.raises(IsADirectoryError):
        train.main([*arguments, '--epochs', '2'])
    data.rmdir()
    (tmp_path / 'data').rename(data)
    train.main([*arguments, '--epochs', '2'])
    assert step_in(folder) == 6


def test_two_trainings_into_one_folder(arguments, tmp_path):
    folder = tmp_path / f'{NAME}_2e'
    folder.mkdir()
    refused = pytest.raises(InputError, match='works on its training')
    with locks.exclusive(folder, 'training'), refused:
        train.main([*arguments, '--epochs', '2'])
    assert list(folder.iterdir()) == []


def test_a_training_that_is_refused_leaves_no_folder(arguments, trained, tmp_path):
    (trained(tmp_path, 1) / 'settings.json').write_text('{')
    with pytest.raises(InputError, match='settings.json: corrupt'):
        train.main([*arguments, '--epochs', '2'])
    assert not (tmp_path / f'{NAME}_2e').exists()


def test_a_disk_that_takes_no_checkpoint(arguments, trained, tmp_path):
    folder = as_if_killed(trained(tmp_path, 1), epochs=2)
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
    def flags(place, *epochs):
        there = ['--checkpoints', str(tmp_path / place), '--epochs', *epochs]
        return [*arguments, '--deterministic', *there]

    train.main(flags('a', '2'))
    train.main(flags('resumed', '1.5', '2'))
    printed, _ = start(flags('other process', '2')).communicate(timeout=200)
    runs = [variables(path) for path in tmp_path.glob(f'*/{NAME}_deterministic_2e')]
    assert len(runs) == 3, printed
    for other in runs[1:]:
        assert other.keys() == runs[0].keys()
        for name, value in other.items():
            assert np.array_equal(value, runs[0][name]), name


def test_every_epoch_is_measured(arguments, tmp_path):
    train.main([*arguments, '--epochs', '0.7', '2', '--eval-every-epoch'])
    rows = results.read(tmp_path / 'results.csv')
    measured = {(row['run'], row['epochs'], row['step'], row['metric']) for row in rows}
    points = {('0.7e', '0', '0'), ('0.7e', '0.7', '2'), ('2e', '1', '3'), ('2e', '2', '6')}
    metrics = ('accuracy', 'mAP', 'compactness')
    assert measured == {(f'{NAME}_{run}', *at, metric) for run, *at in points for metric in metrics}
    # As if interrupted while the last epoch was measured: the same command makes up for it.
    table = tmp_path / 'results.csv'
    kept = [row for row in rows if (row['epochs'], row['metric']) != ('2', 'mAP')]
    table.unlink()
    results.record(table, kept)
    train.main([*arguments, '--epochs', '0.7', '2', '--eval-every-epoch'])
    assert len(results.read(table)) == len(rows) > len(kept)
    tags = set(summaries(tmp_path))
    assert {'loss', 'batch_accuracy', 'learning_rate', 'accuracy_test'} <= tags
    assert any(tag.startswith('drawings') for tag in tags)
