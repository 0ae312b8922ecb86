"""What a measurement ran on: the processor, and the versions of what computes."""

import platform
import re
from importlib import metadata
from pathlib import Path

from benchmarks.measuring import cores
from sketch.backend import processor
from sketch.errors import InputError

# Those that change our speed, the most recent last: title, and the name that Linux gives it.
INSTRUCTION_SETS = {
    'AVX2': 'avx2',
    'AVX-512': 'avx512f',
    'AVX512_BF16': 'avx512_bf16',
    'AMX': 'amx_bf16',
}
PACKAGES = {  # column: names of the package
    'tensorflow': ('tensorflow', 'tensorflow-cpu'),
    'numpy': ('numpy',),
    'torch': ('torch',),
}


def machine(cpuinfo='/proc/cpuinfo'):
    """Return the columns of performance.csv that describe this machine, as text.

    Args:
        cpuinfo: path of Linux's description of the processors; other systems have none.
    """
    has = [name for name, flag in INSTRUCTION_SETS.items() if processor.has(flag, cpuinfo=cpuinfo)]
    return {
        'processor': _model(cpuinfo) or platform.processor() or platform.machine(),
        'cores': str(cores()),
        'instruction_sets': ' '.join(has),
    }


def versions():
    """Return the versions of Python and of the packages that compute; '' if not installed."""
    found = {'python': platform.python_version()}
    for column, names in PACKAGES.items():
        found[column] = next(filter(None, map(_version, names)), '')
    return found


def blas():
    """Return whose matrix products NumPy uses, and for which processor; '' if nothing tells."""
    try:
        from threadpoolctl import threadpool_info  # comes with scikit-learn
    except ImportError:
        return ''
    found = [pool for pool in threadpool_info() if pool['user_api'] == 'blas']
    return ' '.join(f'{pool["internal_api"]} {pool.get("architecture", "")}' for pool in found)


def check_blas(used, described):
    """Raise InputError if OpenBLAS does not know the processor: its products take 6 times as long.

    Args:
        used: of blas().
        described: of machine().
    """
    sets = described['instruction_sets'].split()
    if 'AVX2' in sets and used.endswith('Prescott'):
        core = 'SkylakeX' if 'AVX-512' in sets else 'Haswell'
        raise InputError(
            "NumPy's OpenBLAS takes this processor for a Prescott, without AVX2; "
            f'put OPENBLAS_CORETYPE={core} before the command'
        )


def _model(cpuinfo):
    try:
        text = Path(cpuinfo).read_text(errors='replace')
    except OSError:
        return None
    model = re.search(r'^model name\s*: (.*\S)', text, re.MULTILINE)
    return model and model[1]


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
