"""Downloads QuickDraw `.bin` files: several at a time, resumed when cut, verified at the end."""

import base64
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import requests
from tqdm import tqdm

AT_ONCE = 4  # files
ATTEMPTS = 6  # per file
BACK_OFF = 1.0  # seconds before the second attempt, doubled before each later one
TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 16  # bytes; a broken transfer loses at most this much
TEMPORARY = {408, 429, 500, 502, 503, 504}  # HTTP statuses worth another attempt


class _TransferError(Exception):
    """An attempt that failed; `final` if another one cannot succeed."""

    def __init__(self, reason, final=False):
        super().__init__(reason)
        self.final = final


def fetch(names, folder, mirror, back_off=BACK_OFF):
    """Download `<name>.bin` for every name into a folder.

    A file is written as `<name>.bin.part`, which a later attempt or run resumes. It gets its name
    when its size and its md5 (if the server's x-goog-hash header has one) are right. An existing
    file is kept if both are right, and downloaded again if not.

    Args:
        names: of categories.
        folder: Path, made if missing.
        mirror: URL that `/<name>.bin` is appended to.
        back_off: seconds before the second attempt.

    Returns:
        dict {name: reason} of the files that could not be downloaded; empty on success.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    bar = tqdm(desc='downloading', total=0, unit='B', unit_scale=True)
    with requests.Session() as session, bar, ThreadPoolExecutor(AT_ONCE) as pool:
        # A compressed transfer would report other sizes and ranges.
        session.headers['Accept-Encoding'] = 'identity'
        files = [
            _File(session, f'{mirror.rstrip("/")}/{quote(name)}.bin', folder / f'{name}.bin', bar)
            for name in names
        ]
        try:
            reasons = list(pool.map(lambda file: file.fetch(stop, back_off), files))
        except BaseException:
            stop.set()
            raise
    return {name: reason for name, reason in zip(names, reasons) if reason}


class _File:
    """One file being downloaded."""

    def __init__(self, session, url, path, bar):
        self.session, self.url, self.path, self.bar = session, url, path, bar
        self.part = path.with_name(path.name + '.part')
        self.size = self.md5 = None
        self.shown = 0  # its bytes on the progress bar

    def fetch(self, stop, back_off):
        """Return None when the file is complete, else the reason why it is not."""
        for attempt in range(ATTEMPTS):
            if attempt and stop.wait(back_off * 2 ** (attempt - 1)):
                break
            try:
                self._attempt(stop)
                return None
            except _TransferError as failure:
                reason = str(failure)
                if failure.final:
                    break
            except requests.RequestException as error:
                reason = f'{type(error).__name__}: {error}'
            except OSError as error:  # a full disk stays full
                reason = f'{error.filename or self.part}: {error.strerror}'
                break
        return f'{self.url}: {reason}'

    def _attempt(self, stop):
        with self.session.head(self.url, timeout=TIMEOUT, allow_redirects=True) as answer:
            self._read_headers(answer)
        if self._verified(self.path):
            self._show(self.path.stat().st_size)
            return
        held = self.part.stat().st_size if self.part.exists() else 0
        if self.size is None or held < self.size:
            self._transfer(held, stop)
        if not self._verified(self.part):
            got = self.part.stat().st_size
            if self.size is None or got >= self.size:
                self.part.unlink()  # nothing to resume
            if got == self.size:
                raise _TransferError(f'the md5 of the {got} bytes received is wrong')
            raise _TransferError(f'received {got} of {self.size} bytes')
        self.part.replace(self.path)

    def _read_headers(self, answer):
        """Take size and md5 from the headers of a response."""
        self._check_status(answer)
        length = answer.headers.get('Content-Length')
        size = int(length) if length and length.isdecimal() else None
        if size != self.size:
            self.bar.total += (size or 0) - (self.size or 0)
            self.bar.refresh()
        self.size = size
        hashes = dict(
            part.strip().split('=', 1)
            for part in answer.headers.get('x-goog-hash', '').split(',')
            if '=' in part
        )
        self.md5 = base64.b64decode(hashes['md5']) if 'md5' in hashes else None

    def _check_status(self, answer):
        if answer.status_code not in (200, 206):
            final = answer.status_code not in TEMPORARY
            raise _TransferError(f'the server answers {answer.status_code} {answer.reason}', final)

    def _transfer(self, held, stop):
        """Append the missing bytes to the part; rewrite it if the server sends the whole file."""
        headers = {'Range': f'bytes={held}-'} if held else {}
        with self.session.get(self.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416:
                self.part.unlink()
                raise _TransferError('the server has no such range')
            self._check_status(answer)
            same_range = answer.headers.get('Content-Range', '').startswith(f'bytes {held}-')
            resumes = answer.status_code == 206 and same_range
            if answer.status_code == 206 and not resumes:
                raise _TransferError('the server sends another range than asked for')
            self._show(held if resumes else 0)
            with open(self.part, 'ab' if resumes else 'wb') as file:
                for chunk in answer.iter_content(CHUNK):
                    if stop.is_set():
                        raise _TransferError('interrupted', final=True)
                    file.write(chunk)
                    self._show(self.shown + len(chunk))

    def _verified(self, path):
        """Return whether a file exists with the size and md5 that the server reports."""
        if not path.exists() or (self.size is not None and path.stat().st_size != self.size):
            return False
        if self.md5 is None:
            return True
        content = hashlib.md5()
        with open(path, 'rb') as file:
            while chunk := file.read(CHUNK):
                content.update(chunk)
        return content.digest() == self.md5

    def _show(self, held):
        self.bar.update(held - self.shown)
        self.shown = held
