"""Checks, without loading it, that the installed TensorFlow and its companions fit together.

Estimator left TensorFlow with 2.16. TensorFlow 2.15 still contains it; 2.20 and later take it from
the package tensorflow-estimator, and Keras 2, whose layers the networks are made of, from tf-keras.
"""

import re
from importlib import metadata

from sketch.errors import InputError

ESTIMATOR = '2.15'
# The first major version of protobuf that is too new.
PROTOBUF_LIMIT = {(2, 15): 5, (2, 20): 7}
PROTOBUF_LIMIT_LATER = 8
SUPPORTED = '2.15.1 on Python 3.9 to 3.11, 2.21.0 on Python 3.12 and 3.13'


def check():
    """Return TensorFlow's version, (major, minor).

    Raises:
        InputError: TensorFlow or a companion is missing or of a version that does not fit.
    """
    names = ('tensorflow', 'tensorflow-cpu')
    found = {name: version for name in names if (version := _version(name))}
    if not found:
        raise InputError(
            'TensorFlow is not installed; activate the environment (source .venv/bin/activate) or '
            'run: pip install -r requirements.txt'
        )
    if len(set(found.values())) > 1:
        both = ' and '.join(f'{name} {version}' for name, version in found.items())
        raise InputError(f'{both} overwrite each other; install one of them in a new environment')
    text = found.popitem()[1]
    release = _release(text)
    if release != (2, 15) and release < (2, 20):
        raise InputError(
            f'TensorFlow {text} does not work with Estimator; install {SUPPORTED}: '
            'pip install -r requirements.txt'
        )
    _check_companion('tensorflow-estimator', ESTIMATOR, text)
    if not has_estimator(release):
        _check_companion('tf-keras', '.'.join(map(str, release)), text)
    protobuf, limit = _version('protobuf'), PROTOBUF_LIMIT.get(release, PROTOBUF_LIMIT_LATER)
    if protobuf and _release(protobuf)[0] >= limit:
        raise InputError(
            f'protobuf {protobuf} is too new for TensorFlow {text}; '
            f'run: pip install "protobuf<{limit}"'
        )
    return release


def has_estimator(release):
    """Return whether a version of TensorFlow, (major, minor), contains Estimator and Keras 2."""
    return release < (2, 16)


def _check_companion(name, wanted, tensorflow):
    """Raise InputError unless a package is installed in a minor version, such as '2.15'."""
    found = _version(name)
    if found and _release(found) == _release(wanted):
        return
    problem = f'{name} {found} does not fit' if found else f'{name} is missing beside'
    raise InputError(
        f'{problem} TensorFlow {tensorflow}; run: pip install --no-deps {name}~={wanted}.0'
    )


def _version(name):
    """Return the installed version of a package, None without it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _release(version):
    """Return (major, minor) of a version such as '2.21.0rc1'."""
    return tuple(map(int, re.findall(r'\d+', version)[:2]))
