"""Measures speed and memory on this machine, and records them for docs/performance.md.

    python -m benchmarks               a quick set: 10 minutes on two cores, without AVX-512 over 15
    python -m benchmarks --full        all: about three times as long
    python -m benchmarks --only query  some by name; they are printed and not recorded

Prints a line for each quantity: ours, a peer's and the machine's limit, with their ratios. Appends
the same to docs/results/performance.csv with date, processor and versions, unless a benchmark
fails. Then `python -m tools.fill_tables` fills the documents. Leave the machine alone meanwhile.
Files that the benchmarks write lie in TMPDIR. GPUs are not used.
"""

import os
import sys
import traceback
from functools import partial

from benchmarks import creation, input_memory, machine, query, retrieval, step_speed, training_speed
from sketch import command_line
from sketch.backend import installation
from sketch.reporting import speeds

QUICK = {
    'steps': step_speed.measure,
    'retrieval': retrieval.measure,
    'query': query.measure,
    'creation': partial(creation.measure, 10_000),
    'input-memory': partial(input_memory.measure, 10_000),
}
FULL = {
    **QUICK,
    'training-speed': training_speed.measure,
    'retrieval-variants': retrieval.measure_variants,
    'retrieval-large': partial(retrieval.measure, 34_500),
    'creation-large': partial(creation.measure, 145_000),
    'input-memory-large': partial(input_memory.measure, 100_000),
}


def main(argv=None):
    """Parse the command line, measure, print and record; return the Rows."""
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add('--full', action='store_true', help='also large sets, and train.py beside the bare step')
    add('--only', metavar='NAME', nargs='+', choices=FULL, help=f'of {", ".join(FULL)}')
    add(
        '--files',
        metavar='FOLDER',
        type=command_line.path,
        help='.bin files to measure create_dataset.py on',
    )
    options = arguments.parse_args(argv)
    # Fails now, not after minutes.
    speeds.read(speeds.FILE)
    creation.check(options.files)
    installation.check()
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    name, chosen = (speeds.FULL, FULL) if options.full else (speeds.QUICK, QUICK)
    if options.only:
        chosen = {benchmark: FULL[benchmark] for benchmark in options.only}
    about = machine.about_run(name)
    machine.check_blas(about)
    measured, failed = [], []
    for benchmark, measure in chosen.items():
        given = [options.files] if benchmark.startswith('creation') else []
        try:
            for row in measure(*given):
                print(row, flush=True)
                measured.append(row)
        except Exception:  # the others are worth their time
            traceback.print_exc()
            failed.append(benchmark)
    if failed:
        print(f'nothing is recorded: {", ".join(failed)} failed', file=sys.stderr)
        sys.exit(1)
    if not options.only:
        speeds.append(speeds.FILE, speeds.Run(about, {row.what: row for row in measured}))
        print(f'recorded in {speeds.FILE}; now: python -m tools.fill_tables')
    return measured


if __name__ == '__main__':
    command_line.run(main)
