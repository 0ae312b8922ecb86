"""What the processor can do, as Linux tells it."""

from pathlib import Path


def has(*features, cpuinfo='/proc/cpuinfo'):
    """Return whether Linux reports one of these features (avx512f); False on other systems."""
    try:
        return not set(features).isdisjoint(Path(cpuinfo).read_text(errors='replace').split())
    except OSError:
        return False
