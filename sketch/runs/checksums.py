"""SHA256SUMS: the hashes of a published folder's files, as `sha256sum` writes and checks them."""

import hashlib
import re
from pathlib import Path

from sketch import atomic
from sketch.errors import InputError

FILE = 'SHA256SUMS'


def write(folder):
    """Write the hashes of all files in a folder."""
    files = sorted(Path(folder).iterdir())
    atomic.write_text(Path(folder) / FILE, ''.join(f'{_hash(p)}  {p.name}\n' for p in files))


def check(folder, names):
    """Check files of a folder; one that SHA256SUMS does not list, or without it any, is valid.

    Raises:
        InputError: a file is missing or has another hash, or SHA256SUMS is corrupt.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return
    remedy = f'fetch the folder again, or remove {FILE} if the change is meant'
    sums = {}
    text = path.read_text(encoding='utf-8-sig', errors='replace')
    for number, line in enumerate(text.split('\n')):
        found = re.fullmatch(r'([0-9a-fA-F]{64}) [ *](?:\./)?(.+?)\r?', line)
        if line.strip() and not line.startswith('#') and not found:
            raise InputError(f'{path}: line {number + 1} is no hash with a name; {remedy}')
        if found:
            sums[found[2]] = found[1].lower()
    for file in (path.with_name(name) for name in names if name in sums):
        if not file.exists():
            raise InputError(f'{file}: missing, but {FILE} lists it; {remedy}')
        if _hash(file) != sums[file.name]:
            raise InputError(f'{file}: its hash is not that in {FILE}; {remedy}')


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
