"""What happens between training steps: checkpoints, progress, summaries."""

import math
import sys
import time

from tqdm import tqdm

from sketch.backend.patterns import literal
from sketch.backend.setup import tf
from sketch.networks.heads import FIRST_STEP

SUMMARY_STEPS = 20
# An interruption loses at most this many steps, or the steps of this many seconds.
CHECKPOINT_STEPS = 200
CHECKPOINT_SECONDS = 300
# Without a terminal: seconds until the first line of progress, and between later ones.
FIRST_LINE_SECONDS, LINE_SECONDS = 30, 600


class CheckpointHook(tf.estimator.CheckpointSaverHook):
    """Saves every 200 steps or 5 minutes, whichever comes first."""

    def __init__(self, folder):
        super().__init__(literal(folder), save_steps=CHECKPOINT_STEPS)
        # TensorFlow's timer heeds both, but its constructor takes only one of them.
        self._timer._every_secs = CHECKPOINT_SECONDS


class ProgressHook(tf.estimator.SessionRunHook):
    """Shows loss, images/s and the time left.

    Without a terminal it prints a line at each epoch, and when 10 minutes (first 30 s) have passed
    without a line.

    `first` is the step taken before. The training may pause for measurements on its way to the last
    one. A step that a loss scale skips is no step: the global step counts.
    """

    def __init__(self, title, first, settings):
        self.title, self.first, self.last = title, first, settings.last_step
        self.batch_size, self.images = settings.batch_size, settings.images

    def begin(self):
        """Find the loss that the head has put into the graph, and open the progress bar."""
        losses = tf.compat.v1.losses.get_losses()  # one per device
        self.loss = tf.add_n(losses) / len(losses)
        self.step = self.first
        self.started = time.monotonic()
        self.next_line = self.started + FIRST_LINE_SECONDS
        self.terminal = sys.stderr.isatty()
        self.bar = tqdm(
            desc=self.title,
            total=self.last * self.batch_size,
            initial=self.first * self.batch_size,
            unit=' images',
            disable=not self.terminal,
        )

    def before_run(self, context):
        """Fetch the loss along with the step."""
        return tf.estimator.SessionRunArgs(self.loss)

    def after_run(self, context, values):
        """Move the bar, or print a line at the last step of an epoch."""
        earlier, self.step = self.step, taken(context)
        self.bar.set_postfix_str(f'loss {values.results:.3f}', refresh=False)
        self.bar.update((self.step - earlier) * self.batch_size)
        if self.step == earlier or self.terminal:
            return
        begun, next_begun = (-(-(self.step + i) * self.batch_size // self.images) for i in (0, 1))
        is_last = self.step == self.last
        if next_begun > begun or is_last or time.monotonic() > self.next_line:
            self._print_line(values.results)

    def _print_line(self, loss):
        now = time.monotonic()
        self.next_line = now + LINE_SECONDS
        per_step = (now - self.started) / (self.step - self.first)
        print(
            f'{self.title}: {self.step * self.batch_size / self.images:.2f} epochs, step '
            f'{self.step} of {self.last}, loss {loss:.3f}, {self.batch_size / per_step:.1f} '
            f'images/s, {duration(per_step * (self.last - self.step))} left',
            flush=True,
        )

    def end(self, session):
        """Close the bar."""
        self.bar.close()


def taken(context):
    """Return the steps taken so far, in a hook's after_run; fetched with a step they may lag."""
    return int(context.session.run(tf.compat.v1.train.get_global_step()))


def duration(seconds):
    """Return a time as one says it: 45 s, 12 min, 3 h 5 min. Only no time is 0 s."""
    if seconds < 90:
        return f'{math.ceil(seconds)} s'
    hours, minutes = divmod(round(seconds / 60), 60)
    return f'{hours} h {minutes} min' if hours else f'{minutes} min'


class SummaryHook(tf.estimator.SessionRunHook):
    """Writes for TensorBoard: images/s, and once per run some images of the first step."""

    def __init__(self, folder, batch_size):
        self.folder, self.batch_size = str(folder), batch_size

    def begin(self):
        """Merge the image summaries that the head has put into the graph."""
        self.images = tf.compat.v1.summary.merge_all(FIRST_STEP)
        self.timer = tf.estimator.SecondOrStepTimer(every_steps=SUMMARY_STEPS)
        self.writer = tf.compat.v1.summary.FileWriterCache.get(literal(self.folder))

    def before_run(self, context):
        """Fetch the step's number, and with the first step the images."""
        step = tf.compat.v1.train.get_global_step()
        return tf.estimator.SessionRunArgs([step] if self.images is None else [step, self.images])

    def after_run(self, context, values):
        """Write the images once, and images/s every 20 steps."""
        step, *images = values.results
        if images:
            self.writer.add_summary(*images, step)
            self.images = None
        if self.timer.should_trigger_for_step(step):
            seconds, steps = self.timer.update_last_triggered_step(step)
            if seconds:
                speed = steps * self.batch_size / seconds
                write_scalar(self.folder, 'images_per_second', speed, step)


def write_scalar(folder, name, value, step):
    """Add one number to a folder's event files."""
    summary = tf.compat.v1.Summary()
    summary.value.add(tag=name, simple_value=value)
    with tf.Graph().as_default():  # in eager mode there are no writers of this kind
        writer = tf.compat.v1.summary.FileWriterCache.get(literal(folder))
    writer.add_summary(summary, step)
    writer.flush()


class StopBeforeFirstStepHook(tf.estimator.SessionRunHook):
    """Ends training as soon as the untrained network is saved."""

    def after_create_session(self, session, coord):
        """Stop; the checkpoint hook saves as the session begins."""
        coord.request_stop()
