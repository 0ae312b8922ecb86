"""Training and evaluation steps of both networks, beside PyTorch and the rate of matrix products.

    python -m benchmarks.steps --net n1 n2 --batch-size 64 --steps 5

Each step is measured in a process of its own by step_speed.py and torch_step.py. The limit is the
speed at which the float32 rate of NumPy's matrix product would do all multiplications of an image
(sgemm_share.py). Training is also measured in mixed precision, where the processor has it.
Evaluation is float32 always.
"""

import argparse
import functools
import sys

from benchmarks import sgemm_share, step_speed
from benchmarks.measuring import has_peer, in_new_process
from benchmarks.rows import collect, table
from sketch.backend import processor
from sketch.networks.registry import NETWORKS


def torch_speed(step):
    """Return PyTorch's step_speed.Speed of a Step; None without PyTorch or the network in it."""
    if not has_peer('torch', 'PyTorch', 'requirements-benchmarks.txt'):
        return None
    return in_new_process(_torch_speed, step)


def _torch_speed(step):
    from benchmarks import torch_step  # loads PyTorch

    return torch_step.speed(step) if step.net in torch_step.BODIES else None


@functools.cache
def precisions():
    """Return the precisions in which this processor trains: values of train.py's --precision."""
    if processor.has('avx512_bf16', 'amx_bf16'):
        return 'float32', 'mixed'
    print('no AVX512_BF16 and no AMX: mixed precision is left out', file=sys.stderr)
    return ('float32',)


def measure(nets=tuple(NETWORKS), batch_size=64, steps=5):
    """Yield Rows of the networks' steps.

    Args:
        nets: of registry.NETWORKS.
        batch_size: images.
        steps: the median of so many counts.
    """
    rate = sgemm_share.sgemm_rate()
    yield sgemm_share.rate_row(rate)
    for net in nets:
        evaluation, training = in_new_process(sgemm_share.operations, net)
        same = step_speed.Step(net, batch_size=batch_size, steps=steps)
        measured = [(same._replace(evaluate=True), rate / evaluation)]
        for precision in precisions():
            limit = rate / training if precision == 'float32' else None
            measured.append((same._replace(precision=precision), limit))
        for step, limit in measured:
            ours = in_new_process(step_speed.speed, step)
            speeds, memory = step_speed.rows(step, ours, torch_speed(step), limit)
            yield from [speeds] if step.evaluate else [speeds, memory]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--net', nargs='+', choices=NETWORKS, default=list(NETWORKS))
    arguments.add_argument('--batch-size', type=int, default=64)
    arguments.add_argument('--steps', type=int, default=5)
    options = arguments.parse_args()
    print(table(collect(measure(options.net, options.batch_size, options.steps))))


if __name__ == '__main__':
    main()
