"""What the processor can do, as Linux tells it."""

from pathlib import Path


def has(*features, cpuinfo='/proc/cpuinfo'):
    """Return whether Linux reports one of these features; False on other systems.

    Args:
        features: names as Linux writes them: avx512f, avx512_bf16, amx_bf16.
        cpuinfo: path of Linux's description of the processors.
    """
    try:
        return not set(features).isdisjoint(Path(cpuinfo).read_text(errors='replace').split())
    except OSError:
        return False
