"""Measures speed and memory on this machine, and records them for docs/performance.md.

    python -m benchmarks            a quick set: on two cores 10 minutes, without AVX-512 over 15
    python -m benchmarks --full     all: about three times as long

Prints one table: ours, a peer's and the machine's limit, with their ratios. Appends the same values
to docs/results/performance.csv with date, processor and versions, unless a benchmark fails. Then
`python -m tools.fill_tables` fills the documents. Leave the machine alone meanwhile. Files that the
benchmarks write lie in TMPDIR. GPUs are not used.

Each benchmark also runs by itself, with flags of its own: python -m benchmarks.step_speed --help
"""

import datetime
import os
import sys
import traceback
from functools import partial
from pathlib import Path

from benchmarks import (
    creation,
    input_memory,
    machine,
    page,
    performance,
    query,
    retrieval,
    rows,
    steps,
    training_speed,
)
from sketch import atomic, command_line
from sketch.backend import installation
from sketch.networks.registry import NETWORKS


def quick_set(files):
    """Return the benchmarks of the quick set: functions that yield Rows."""
    return [
        steps.measure,
        retrieval.measure,
        query.measure,
        page.measure,
        partial(creation.measure, 10_000, files),
        partial(input_memory.measure, 10_000),
    ]


def full_set(files):
    """Return all benchmarks: those of the quick set first."""
    return [
        *quick_set(files),
        *(partial(training_speed.measure, net, 64, steps.precisions(), True) for net in NETWORKS),
        retrieval.measure_variants,
        partial(retrieval.measure, 34_500),
        partial(creation.measure, 145_000, files),
        partial(input_memory.measure, 100_000),
    ]


def measure(benchmarks):
    """Run benchmarks one after the other; return their Rows, and how many benchmarks failed."""
    measured, failed = [], 0
    for benchmark in benchmarks:
        try:
            measured += rows.collect(benchmark())
        except Exception:  # the others are worth their time
            traceback.print_exc()
            failed += 1
    return measured, failed


def parse_arguments(argv):
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add('--full', action='store_true', help='also large sets, and train.py beside the bare step')
    add('--files', metavar='FOLDER', type=Path, help='.bin files to measure create_dataset.py on')
    add('--results', metavar='FILE', type=Path, default=performance.FILE, help='CSV of speeds')
    return arguments.parse_args(argv)


def about_run(name):
    """Return the columns of performance.RUN for a run that begins now."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    described = {**machine.machine(), **machine.versions(), 'blas': machine.blas()}
    return {'date': now, **described, 'set': name}


def main(argv=None):
    """Parse the command line, measure, print and record; return the Rows."""
    options = parse_arguments(argv)
    # Fails now, not after minutes.
    atomic.check_place(options.results, '--results')
    performance.read(options.results)
    creation.check(options.files)
    installation.check()
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    name, benchmarks = (
        (performance.FULL, full_set) if options.full else (performance.QUICK, quick_set)
    )
    about = about_run(name)
    machine.check_blas(about['blas'], about)
    measured, failed = measure(benchmarks(options.files))
    print(rows.table(measured))
    if failed:
        print(f'nothing is recorded: failed benchmarks: {failed}', file=sys.stderr)
        sys.exit(1)
    performance.append(options.results, about, measured)
    print(f'recorded in {options.results}; now: python -m tools.fill_tables')
    return measured


if __name__ == '__main__':
    command_line.run(main)
