"""What a measurement ran on: the processor, and the versions of what computes."""

import datetime
import platform
import re
from importlib import metadata
from pathlib import Path

from sketch.backend.processor import cores
from sketch.errors import InputError

# Those that change our speed, the most recent last: title, and the name that Linux gives it.
INSTRUCTION_SETS = {
    'AVX2': 'avx2',
    'AVX-512': 'avx512f',
    'AVX512_BF16': 'avx512_bf16',
    'AMX': 'amx_bf16',
}
CPUINFO = Path('/proc/cpuinfo')  # other systems have none


def about_run(name):
    """Return the columns of speeds.RUN for a run that begins now, as text; '' if not known."""
    processor = CPUINFO.read_text(errors='replace') if CPUINFO.exists() else ''
    model = re.search(r'^model name\s*: (.*\S)', processor, re.MULTILINE)
    words = processor.split()
    return {
        'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ'),
        'processor': model[1] if model else platform.processor() or platform.machine(),
        'cores': str(cores()),
        'instruction_sets': ' '.join(s for s, flag in INSTRUCTION_SETS.items() if flag in words),
        'python': platform.python_version(),
        'tensorflow': _version('tensorflow', 'tensorflow-cpu'),
        'numpy': _version('numpy'),
        'torch': _version('torch'),
        'blas': _blas(),
        'set': name,
    }


def check_blas(about):
    """Raise InputError if OpenBLAS does not know the processor: its products take 6 times as long.

    Args:
        about: of about_run().
    """
    sets = about['instruction_sets'].split()
    if 'AVX2' in sets and about['blas'].endswith('Prescott'):
        core = 'SkylakeX' if 'AVX-512' in sets else 'Haswell'
        raise InputError(
            "NumPy's OpenBLAS takes this processor for a Prescott, without AVX2; "
            f'put OPENBLAS_CORETYPE={core} before the command'
        )


def _blas():
    """Return whose matrix products NumPy uses, and for which processor; '' if nothing tells."""
    try:
        from threadpoolctl import threadpool_info  # comes with scikit-learn
    except ImportError:
        return ''
    found = [pool for pool in threadpool_info() if pool['user_api'] == 'blas']
    return ' '.join(f'{pool["internal_api"]} {pool.get("architecture", "")}' for pool in found)


def _version(*packages):
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return ''
