"""Downloads QuickDraw `.bin` files: several at a time, resumed when cut, checked at the end."""

import hashlib
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from tqdm import tqdm

from sketch.data.http_client import (
    AGAIN,
    CHUNK,
    HEAD_REFUSED,
    Client,
    TransferError,
    announced,
    body,
    check_mirror,
    check_status,
    host_of,
)
from sketch.data.quickdraw import DrawingFile, FormatError

AT_ONCE = 4  # files
ATTEMPTS = 6  # per file
BACK_OFF = 1.0  # seconds before the second attempt, doubled before each later one
# Categories have about 145,000 drawings in 20 to 40 MB. A hostile body fills this much of the disk,
# and as much memory again while it is parsed.
LARGEST = 256_000_000  # bytes of a file
NO_DRAWINGS = 'something else than drawings'


def fetch(names, folder, mirror, back_off=BACK_OFF):
    """Download `<name>.bin` for every name into a folder.

    A file is written as `<name>.bin.part`, which a later attempt or run resumes. It gets its name
    when it has the size and the md5 (in x-goog-hash) that the server announces and parses as
    drawings. An existing file is kept if all that holds, and downloaded again if not; what the
    server does not announce is not checked. Without size and md5, a file that is cut exactly
    between two drawings cannot be told from a whole one.

    A temporary failure is retried: ATTEMPTS attempts in all. A host that cannot be reached is given
    up for all files together: after all waits of one file, or after 3 * back_off seconds if it
    never took a connection.

    Args:
        names: of categories.
        folder: Path, made if missing.
        mirror: http or https URL that `/<name>.bin` is appended to.
        back_off: seconds before the second attempt.

    Returns:
        dict {name: reason} of the files that could not be downloaded; empty on success. A reason is
        one line, and the same for all files that fail alike.

    Raises:
        InputError: the mirror is not an http or https URL.
    """
    check_mirror(mirror.strip())
    base = mirror.strip().rstrip('/')
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    every_wait = back_off * (2 ** (ATTEMPTS - 1) - 1)
    client = Client(patience=every_wait, first_patience=3 * back_off)
    with client, _Progress() as progress, ThreadPoolExecutor(AT_ONCE) as pool:
        files = [
            _File(client, f'{base}/{quote(name)}.bin', folder / f'{name}.bin', progress)
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

    def __init__(self, client, url, path, progress):
        self.client, self.url, self.path, self.progress = client, url, path, progress
        self.host = host_of(url)
        self.part = path.with_name(path.name + '.part')
        self.size = self.md5 = None  # as announced
        self.shown = self.expected = 0  # its bytes on the progress bar

    def fetch(self, stop, back_off):
        """Return None when the file is complete, else the reason why it is not."""
        for attempt in range(ATTEMPTS):
            if attempt and stop.wait(back_off * 2 ** (attempt - 1)):
                break
            try:
                self._attempt(stop)
                return None
            except TransferError as failure:
                reason = str(failure)
                if failure.final:
                    break
            except OSError as error:  # a full disk stays full
                return f'{error.filename or self.path.parent}: {error.strerror}'
        return reason

    def _attempt(self, stop):
        exists = _is_file(self.path)
        self._ask_what_is_announced()
        if exists and self._fault(self.path) is None:
            return
        held = self.part.stat().st_size if _is_file(self.part, follow_links=False) else 0
        begin = held
        if self.size is None or held < self.size:
            begin = self._transfer(held, stop)
        self._check_part(fresh=begin == 0)
        self.part.replace(self.path)

    def _ask_what_is_announced(self):
        for method in ('HEAD', 'GET'):
            with self.client.ask(method, self.url) as answer:
                if method == 'HEAD' and answer.status_code in HEAD_REFUSED:
                    continue
                check_status(answer)
                _, self.size, self.md5 = announced(answer)
                break
        self._check_size(self.size)

    def _check_size(self, size):
        if size is not None and size > LARGEST:
            raise TransferError(
                f'{self.host} sends over {LARGEST // 10**6} MB, too much for a file of drawings: '
                'check --mirror',
                final=True,
            )

    def _transfer(self, held, stop):
        """Append the missing bytes to the part, or rewrite it if the server sends the whole file.

        Returns:
            The position in the file of the first byte received.
        """
        with self.client.ask('GET', self.url, held) as answer:
            if answer.status_code == 416:
                self.part.unlink(missing_ok=True)
                raise TransferError(f'{self.host} has no such range; {AGAIN}')
            check_status(answer)
            begin, size, md5 = announced(answer)
            if begin not in (0, held):
                raise TransferError(f'{self.host} sends another range than asked for; {AGAIN}')
            self.size, self.md5 = size or self.size, md5 or self.md5
            self._check_size(self.size)
            position = begin
            with open(self.part, 'ab' if begin else 'wb', opener=_open_no_link) as file:
                for chunk in body(answer):
                    if stop.is_set():
                        raise TransferError('interrupted', final=True)
                    position += len(chunk)
                    self._check_end(position)
                    file.write(chunk)
                    self._show(position)
            if self.size is None and 'Transfer-Encoding' in answer.headers:
                self.size = position  # the end of chunks is marked: the body is not cut
        return begin

    def _check_end(self, position):
        """Remove the part and raise TransferError if a body is longer than it may be."""
        try:
            self._check_size(position)
            if self.size is not None and position > self.size:
                raise TransferError(
                    f'{self.host} sends more bytes than it announces: check --mirror', final=True
                )
        except TransferError:
            self.part.unlink()
            raise

    def _check_part(self, fresh):
        """Raise TransferError unless the part is the whole file; remove it if it is of no use.

        Args:
            fresh: whether all of it was received just now.
        """
        if self.size is not None and self.part.stat().st_size < self.size:
            raise TransferError(f'{self.host} cuts the transfer; {AGAIN}')
        fault = self._fault(self.part)
        if fault is None:
            return
        page = _is_web_page(self.part)
        self.part.unlink()
        if fresh and page:
            raise TransferError(
                f'{self.host} sends a web page instead of drawings, perhaps a login page: open it '
                'in a browser, or check --mirror',
                final=True,
            )
        if fresh and fault == NO_DRAWINGS and self.size is not None:
            raise TransferError(f'{self.host} sends {fault}: check --mirror', final=True)
        raise TransferError(f'{self.host} sends {fault}; {AGAIN}')

    def _fault(self, path):
        """Return what a file has instead of what the server announces, None if nothing."""
        if self.size not in (None, path.stat().st_size):
            return 'a file of another size'
        if self.md5 is not None and _md5_of(path) != self.md5:
            return 'bytes with a wrong md5'
        try:
            with DrawingFile(path) as drawings:
                return None if len(drawings) else NO_DRAWINGS
        except FormatError:
            return NO_DRAWINGS

    def _show(self, position):
        expected = max(self.size or 0, position)
        self.progress.add(position - self.shown, expected - self.expected)
        self.shown, self.expected = position, expected


class _Progress:
    """A bar for the bytes of all files, from the first one received; use as a context manager."""

    def __init__(self):
        self._bar, self._lock = None, threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def add(self, received, expected):
        """Count bytes, negative for those that are received anew."""
        with self._lock:
            if self._bar is None:
                self._bar = tqdm(desc='downloading', total=expected, unit='B', unit_scale=True)
            else:
                self._bar.total += expected
            self._bar.update(received)


def _is_file(path, follow_links=True):
    """Return whether a file exists; raise TransferError if anything else has its name."""
    try:
        status = os.stat(path, follow_symlinks=follow_links)
    except FileNotFoundError:
        return False
    # A second name of the same content is a link, too.
    if not stat.S_ISREG(status.st_mode) or (not follow_links and status.st_nlink > 1):
        raise TransferError(f'{path}: a link, folder or device, not a file; remove it', final=True)
    return True


def _open_no_link(path, flags):
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _is_web_page(path):
    with open(path, 'rb') as file:
        return file.read(CHUNK).lstrip(b'\xef\xbb\xbf \t\r\n').startswith(b'<')


def _md5_of(path):
    content = hashlib.md5()
    with open(path, 'rb') as file:
        while chunk := file.read(CHUNK):
            content.update(chunk)
    return content.digest()
