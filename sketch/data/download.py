"""Downloads QuickDraw `.bin` files: several at a time, resumed when cut, checked at the end."""

import base64
import contextlib
import hashlib
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from http.client import HTTPException, responses
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.exceptions import ConnectTimeoutError, HTTPError
from urllib3.util import Retry

from sketch import atomic, locks
from sketch.data import drawing_files
from sketch.data.quickdraw import FormatError, record_offsets
from sketch.errors import InputError

AT_ONCE = 4  # files
ATTEMPTS = 6  # to get an answer for a file, and to get all of its bytes
BACK_OFF = 1.0  # seconds, doubled before each later attempt
LONGEST_WAIT = 30  # seconds that a server may ask for
TIMEOUTS = (10, 30)  # seconds to connect, seconds without a byte
TEMPORARY = {408, 429, *range(500, 600)}  # HTTP statuses worth another attempt
CHUNK = 1 << 16  # bytes; a broken transfer loses at most this much
# Categories have about 145,000 drawings in 20 to 40 MB. A hostile body fills this much of the disk,
# and as much memory while it is parsed.
LARGEST = 256_000_000  # bytes of a file
RANGE = re.compile(r'bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15}|\*)')
MD5 = re.compile(r'md5=([A-Za-z0-9+/]{22}==)')
LIBRARY_ERRORS = (requests.RequestException, HTTPError, HTTPException, ValueError)

AGAIN = 'run the same command again to resume'
NO_DRAWINGS = 'something else than drawings'
PAGE_BEGINS = (b'<!doctype', b'<html', b'<?xml')
PAGE = 'a web page instead of drawings, perhaps for a login'


class _Failure(Exception):
    """A file that cannot be had: why, in one line without text from headers or bodies."""


class _Cut(_Failure):
    """A transfer that another attempt may complete."""


class _Silence(_Failure):
    """The server tells nothing about the file, after all attempts."""


def fetch(names, folder, mirror):
    """Download `<name>.bin` of every category, unless the folder has its drawings in another form.

    A file is written as `<name>.bin.part`, which a later attempt or run resumes. It gets its name
    when it has the size and the md5 (in x-goog-hash) that the server announces and parses as
    drawings. An existing file is kept if all that holds, or if it parses and the server is silent.
    Without size and md5, a file that is cut between two drawings cannot be told from a whole one.

    Args:
        names: of categories.
        folder: Path, made if missing. If another fetch works in it, this one waits.
        mirror: http or https URL that `/<name>.bin` is appended to.

    Raises:
        InputError: the mirror is not such a URL, or files could not be downloaded. Files that fail
            alike have one reason. Several reasons are printed before, a line each.
    """
    server = _Server(mirror.strip())
    with atomic.made_folder(folder), locks.exclusive(folder, 'download', wait=True):
        found = drawing_files.find_files(folder, names)
        paths = {name: folder / f'{name}.bin' for name in names}
        wanted = [path for name, path in paths.items() if found.get(name, [path])[0] == path]
        files = [_File(server, path) for path in wanted]
        with server.session, ThreadPoolExecutor(AT_ONCE) as pool:
            transfers = [pool.submit(file.fetch) for file in files]
            try:
                _show(files, transfers)
            except BaseException:
                server.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    unchecked = [file.unchecked for file in files if file.unchecked]
    if unchecked:
        print(f'{folder}: {len(unchecked)} intact files kept, not compared: {unchecked[0]}')
    alike = {}  # reason -> names of files
    for path, transfer in zip(wanted, transfers):
        if transfer.result():
            alike.setdefault(transfer.result(), []).append(path.name)
    if alike:
        told = f'{sum(map(len, alike.values()))} of {len(names)} files could not be downloaded'
        raise InputError(f'{folder}: {told}: {_in_one_line(alike, len(names))}')


def _show(files, transfers):
    """Show the bytes of all files on a bar, which appears with the first, until transfers end."""
    looks = {'desc': 'downloading', 'unit': 'B', 'unit_scale': True}
    with tqdm(total=0, delay=0.001, mininterval=0, **looks) as bar:
        while transfers:
            transfers = wait(transfers, timeout=0.2).not_done
            begun = [file for file in files if file.received]
            bar.total = sum(max(file.size or 0, file.received) for file in begun)
            received = sum(file.received for file in begun)
            if received > bar.n:
                bar.update(received - bar.n)


def _in_one_line(alike, wanted):
    """Return why files failed; print it if there are several reasons. `wanted` files were asked."""
    lines = []
    for reason, names in alike.items():
        more = f' and {len(names) - 2} more' if len(names) > 2 else ''
        some = '' if len(names) == wanted else f'{", ".join(names[:2])}{more}: '
        lines.append(f'{some}{reason}')
    if len(lines) == 1:
        return lines[0]
    print(*lines, sep='\n', file=sys.stderr)
    return f'for the reasons above; {AGAIN}'


def _check(mirror):
    """Raise InputError, with what to give instead, unless a mirror is an http or https URL."""
    instead = 'one like https://host/folder'
    if mirror.startswith('gs://'):
        instead = f'https://storage.googleapis.com/{mirror[5:]}'
    elif mirror and ':/' not in mirror:
        instead = f'https://{mirror}'
    elif mirror.lower().startswith(('http://', 'https://')):
        with contextlib.suppress(ValueError):
            requests.Request('GET', mirror).prepare()
            return
    raise InputError(f'mirror {mirror}: not an http or https address; give {instead}')


class _Server:
    """The mirror, which several threads ask. `stop` ends all waits and transfers."""

    def __init__(self, mirror):
        _check(mirror)
        self.folder, self.host = mirror.rstrip('/'), urlsplit(mirror).netloc.rpartition('@')[2]
        self.stop = threading.Event()
        self.session = requests.Session()
        # A compressed transfer would report other sizes and ranges.
        self.session.headers['Accept-Encoding'] = 'identity'
        for scheme in ('http://', 'https://'):
            self.session.mount(scheme, HTTPAdapter(max_retries=_retries(self.stop)))
        self.has_answered = False
        self.gone = None  # why no file is asked for any more

    def ask(self, name, begin=0):
        """Return the answer to a GET from a position on, with an unread body, to be closed."""
        if self.gone:
            raise _Silence(self.gone)
        address = f'{self.folder}/{quote(name)}'
        headers = {'Range': f'bytes={begin}-'} if begin else {}
        try:
            answer = self.session.get(address, headers=headers, stream=True, timeout=TIMEOUTS)
        except requests.ConnectionError as error:
            raise self._silence(error) from None
        except LIBRARY_ERRORS:
            raise _Failure(
                f'{self.host} gives no valid answer: check the mirror and the proxy settings'
            ) from None
        self.has_answered = True
        return answer

    def _silence(self, error):
        """Return why there is no answer. If other files have none either, give up all of them."""
        connected = not isinstance(getattr(error.args[0], 'reason', None), ConnectTimeoutError)
        if connected and self.has_answered:
            return _Silence(f'{self.host} breaks off its answer; {AGAIN}')
        cause = error
        while cause.__context__ is not None:  # down to the operating system's error
            cause = cause.__context__
        why = getattr(cause, 'strerror', None) or 'no answer in HTTP'
        self.gone = f'{self.host} cannot be reached ({why}): check the network and the mirror'
        return _Silence(self.gone)


def _retries(stop):
    """Return the Retry for requests without an answer or with a temporary one."""

    class Retries(Retry):
        def sleep(self, response=None):
            asked = response.headers.get('Retry-After', '') if response is not None else ''
            seconds = int(asked) if re.fullmatch('[0-9]{1,9}', asked) else self.get_backoff_time()
            if stop.wait(min(seconds, LONGEST_WAIT)):
                raise _Failure('interrupted')

    return Retries(
        total=ATTEMPTS - 1,
        connect=3,
        read=2,  # each may last 30 s
        other=1,  # certificates: a wrong one stays wrong
        status_forcelist=TEMPORARY,
        backoff_factor=BACK_OFF,
        raise_on_status=False,
    )


class _File:
    """One file being downloaded; `unchecked` says why an existing one was not compared."""

    def __init__(self, server, path):
        self.server, self.path = server, path
        self.part = path.with_name(f'{path.name}.part')
        self.size = self.md5 = self.unchecked = None  # the first two as announced, None if not
        self.received = 0  # bytes

    def fetch(self):
        """Return None when the file is complete, else the reason why it is not."""
        try:
            if self.path.is_file() and self._may_stay():
                return None
            for attempt in range(ATTEMPTS):
                if attempt and self.server.stop.wait(BACK_OFF * 2 ** (attempt - 1)):
                    break
                try:
                    return self._transfer()
                except _Cut as cut:
                    reason = str(cut)
            return reason
        except _Failure as failure:
            return str(failure)
        except OSError as error:  # a full disk stays full
            return f'{error.filename or self.path.parent}: {error.strerror}'

    def _may_stay(self):
        try:
            with self.server.ask(self.path.name) as answer:
                self._read_headers(answer, 0)
        except _Silence as silence:
            if self._fault(self.path):
                raise
            self.unchecked = str(silence)
            return True
        return self._fault(self.path) is None

    def _transfer(self):
        """Complete the part, or rewrite it if the server sends the whole file; give it its name."""
        host, held = self.server.host, self.part.stat().st_size if self.part.exists() else 0
        with self.server.ask(self.path.name, held) as answer:
            begin = self.received = self._read_headers(answer, held)
            with open(self.part, 'ab' if begin else 'wb') as file:
                try:
                    for chunk in answer.iter_content(CHUNK):
                        if self.server.stop.is_set():
                            raise _Failure('interrupted')
                        self.received += len(chunk)
                        self._check_cap()
                        file.write(chunk)
                except LIBRARY_ERRORS:
                    raise _Cut(f'{host} cuts the transfer; {AGAIN}') from None
        if self.received < (self.size or 0):
            raise _Cut(f'{host} cuts the transfer; {AGAIN}')
        fault = self._fault(self.part)
        if fault is None:
            self.part.replace(self.path)
            return
        self.part.unlink()
        if begin == 0 and fault in (PAGE, NO_DRAWINGS):
            raise _Failure(f'{host} sends {fault}: check the mirror')
        raise _Cut(f'{host} sends {fault}; {AGAIN}')

    def _check_cap(self):
        if max(self.received, self.size or 0) > LARGEST:
            self.part.unlink()
            raise _Failure(
                f'{self.server.host} sends over {LARGEST // 10**6} MB, too much for a file of '
                'drawings: check the mirror'
            )

    def _read_headers(self, answer, held):
        """Take size and md5 from an answer; return the position of the first byte that follows."""
        host, status, headers = self.server.host, answer.status_code, answer.headers
        begin, size = 0, headers.get('Content-Length', '')
        if status in (206, 416):
            span = RANGE.fullmatch(headers.get('Content-Range', ''))
            if status == 416 or span is None or int(span[1]) != held:
                self.part.unlink(missing_ok=True)  # the next attempt asks for the whole file
                raise _Cut(f'{host} sends another range than asked for; {AGAIN}')
            begin, size = held, span[2]
        elif status != 200:
            told = f'{host} answers {status} {responses.get(status, "")}'.rstrip()
            if status in TEMPORARY:
                raise _Silence(f'{told}; {AGAIN}')
            raise _Failure(f'{told}: check the names and the mirror')
        if headers.get('Content-Encoding', 'identity').strip().lower() != 'identity':
            raise _Failure(f'{host} compresses the file: give another mirror')
        self.size = int(size) if re.fullmatch('[0-9]{1,15}', size) else None
        md5 = MD5.search(headers.get('x-goog-hash', ''))
        self.md5 = base64.b64decode(md5[1]) if md5 else None
        return begin

    def _fault(self, path):
        """Return what a file has instead of what the server announces, None if nothing."""
        if self.size not in (None, path.stat().st_size):
            return 'a file of another size'
        content = path.read_bytes()
        same = self.md5 in (None, hashlib.md5(content).digest())
        with contextlib.suppress(FormatError):
            if same and len(record_offsets(content)):
                return None
        if content[:CHUNK].lstrip(b'\xef\xbb\xbf \t\r\n').lower().startswith(PAGE_BEGINS):
            return PAGE
        return NO_DRAWINGS if same else 'bytes with a wrong md5'
