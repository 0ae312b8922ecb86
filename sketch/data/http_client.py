"""Requests that end with an answer or with one short reason.

Every fault of a server, a proxy or the network becomes a TransferError. Its text has words of this
module, the host's name, the status number, and the reason that the operating system or OpenSSL
gives. Text from headers and bodies never appears in it, except the host's name in a redirect.
"""

import base64
import logging
import re
import ssl
import time
from http import HTTPStatus
from http.client import HTTPException
from typing import NamedTuple, Optional
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from sketch.errors import InputError

SCHEMES = ('http', 'https')
CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 30  # seconds without a byte
REDIRECTS = 10  # in a row
CHUNK = 1 << 16  # bytes; a broken transfer loses at most this much
TEMPORARY = {408, 429}  # HTTP statuses worth another attempt, besides 5xx
HEAD_REFUSED = {403, 405, 501}  # by servers that may well answer a GET
AGAIN = 'run the same command again to resume'

_LIBRARY_LOG = logging.getLogger('urllib3')
# Those of requests are OSErrors; some of the others come through as they are.
_LIBRARY_ERRORS = (OSError, ValueError, HTTPError, HTTPException)
_RANGE = re.compile(r'bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)', re.ASCII)
_HOST = re.compile(r'[\w.:-]{1,253}')


class TransferError(Exception):
    """A transfer that failed, in one short line; `final` if another attempt cannot succeed."""

    def __init__(self, reason, final=False):
        super().__init__(reason)
        self.final = final


class Announced(NamedTuple):
    """What the headers of an answer say of the file; None is unknown or nonsense."""

    begin: Optional[int]  # position in the file of the first byte that follows
    size: Optional[int]  # of the whole file, bytes
    md5: Optional[bytes]  # of the whole file


def check_mirror(address):
    """Raise InputError, with what to give instead, unless an address is an http or https URL."""
    scheme = re.match(r'([A-Za-z][A-Za-z0-9+.-]*):/', address)
    if address and not scheme:
        raise InputError(f'--mirror {address}: has no scheme; did you mean https://{address}?')
    if scheme and scheme[1].lower() not in SCHEMES:
        instead = 'an http:// or https:// address'
        if address.startswith('gs://'):
            instead = f'https://storage.googleapis.com/{address[5:]}'
        raise InputError(f'--mirror {address}: the scheme is not supported; give {instead}')
    if not _fetchable(address):
        raise InputError(f'--mirror {address}: not an address; give one like https://host/folder')


def host_of(address):
    """Return the host of a valid address, with its port, without user and password."""
    parts = urlsplit(address)
    host = f'[{parts.hostname}]' if ':' in parts.hostname else parts.hostname
    return host if parts.port is None else f'{host}:{parts.port}'


class Client:
    """A session that several threads share; use as a context manager.

    A host without an answer is given up for all threads: after `patience` seconds, or after
    `first_patience` seconds if it never took a connection.
    """

    def __init__(self, patience, first_patience):
        self._session = _Session()
        # A compressed transfer would report other sizes and ranges.
        self._session.headers['Accept-Encoding'] = 'identity'
        self._patience, self._first_patience = patience, first_patience
        self._answered = set()  # hosts
        self._silent_since = {}  # host -> time of the first failure after its last answer
        self._given_up = {}  # host -> reason

    def __enter__(self):
        # It warns of odd headers with a traceback, wherever logging is set up.
        self._level = _LIBRARY_LOG.level
        _LIBRARY_LOG.setLevel(logging.CRITICAL)
        return self

    def __exit__(self, *_):
        _LIBRARY_LOG.setLevel(self._level)
        self._session.close()

    def ask(self, method, address, begin=0):
        """Follow redirects to an answer of any status.

        Args:
            method: 'HEAD' or 'GET'.
            address: URL.
            begin: position of the first byte to ask for.

        Returns:
            requests.Response with an unread body, to be used as a context manager.

        Raises:
            TransferError: there is no answer, or the redirects lead nowhere.
        """
        headers = {'Range': f'bytes={begin}-'} if begin else {}
        for _ in range(REDIRECTS):
            answer = self._send(method, address, headers)
            if not answer.is_redirect:
                return answer
            answer.close()
            host = host_of(address)
            # Headers are read as Latin-1; servers write UTF-8.
            location = answer.headers['Location'].encode('latin-1').decode('utf-8', 'replace')
            address = _joined(address, location)
            if not _fetchable(address):
                raise TransferError(f'{host} redirects to an unsupported address', final=True)
        raise TransferError(f'{host} redirects without end', final=True)

    def _send(self, method, address, headers):
        host = host_of(address)
        if host in self._given_up:
            raise TransferError(self._given_up[host], final=True)
        try:
            answer = self._session.request(
                method,
                address,
                headers=headers,
                stream=method == 'GET',
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                allow_redirects=False,
            )
        except requests.ConnectionError as error:
            raise self._unreachable(host, error) from None
        except requests.Timeout:
            raise TransferError(f'{host} sends nothing for {READ_TIMEOUT} s; {AGAIN}') from None
        except requests.exceptions.InvalidSchema:  # check_mirror has seen the address's
            raise TransferError(
                'the proxy settings (ALL_PROXY, HTTPS_PROXY, HTTP_PROXY) name a socks proxy: '
                'install PySocks, or unset them',
                final=True,
            ) from None
        except requests.exceptions.InvalidProxyURL:
            raise TransferError(
                'the proxy settings (ALL_PROXY, HTTPS_PROXY, HTTP_PROXY) are not valid: correct '
                'or unset them',
                final=True,
            ) from None
        except (requests.exceptions.InvalidURL, UnicodeError):
            raise TransferError(
                f'{host} or the proxy has no valid name: check --mirror and the proxy settings',
                final=True,
            ) from None
        except _LIBRARY_ERRORS:
            raise TransferError(f'{host} answers with nonsense; {AGAIN}') from None
        self._answered.add(host)
        self._silent_since.pop(host, None)
        return answer

    def _unreachable(self, host, error):
        """Return the TransferError for an attempt without an answer; give the host up in time."""
        cause = _first_cause(error)
        connected = isinstance(cause, (HTTPException, ConnectionResetError, BrokenPipeError))
        if connected and host in self._answered:
            return TransferError(f'{host} breaks off its answer; {AGAIN}')
        now = time.monotonic()
        silent = now - self._silent_since.setdefault(host, now)
        known = connected or host in self._answered
        final = silent >= (self._patience if known else self._first_patience)
        if isinstance(cause, ssl.SSLCertVerificationError):
            final, why = True, cause.verify_message
        elif isinstance(error, requests.Timeout):
            why = f'no answer in {CONNECT_TIMEOUT} s'
        else:
            why = getattr(cause, 'strerror', None) or 'no answer in HTTP'
        through = ' through the proxy' if isinstance(error, requests.exceptions.ProxyError) else ''
        reason = f'{host} cannot be reached{through} ({why}): check the network and --mirror'
        if final:
            self._given_up[host] = reason
        return TransferError(reason, final)


def check_status(answer):
    """Raise TransferError unless an answer has the file or a part of it."""
    status, host = answer.status_code, host_of(answer.url)
    if status not in (200, 206):
        known = status in HTTPStatus.__members__.values()
        told = f'{status} {HTTPStatus(status).phrase}' if known else status
        if status in TEMPORARY or status >= 500:
            raise TransferError(f'{host} answers {told}; {AGAIN}')
        raise TransferError(f'{host} answers {told}: check the names and --mirror', final=True)
    if answer.headers.get('Content-Encoding', 'identity').strip().lower() not in ('identity', ''):
        raise TransferError(f'{host} compresses the file: give another --mirror', final=True)


def announced(answer):
    """Return what an answer with status 200 or 206 announces."""
    md5 = _md5(answer.headers.get('x-goog-hash', ''))
    if answer.status_code == 206:
        found = _RANGE.fullmatch(answer.headers.get('Content-Range', ''))
        if found is None:
            return Announced(None, None, md5)
        return Announced(int(found[1]), _size(found[2]), md5)
    return Announced(0, _size(answer.headers.get('Content-Length', '')), md5)


def body(answer):
    """Yield the bytes of an answer in chunks; raise TransferError when they are cut."""
    try:
        yield from answer.iter_content(CHUNK)
    except _LIBRARY_ERRORS:
        raise TransferError(f'{host_of(answer.url)} cuts the transfer; {AGAIN}') from None


class _Session(requests.Session):
    """Leaves redirects to Client: requests reads the whole body of each and may stumble over it."""

    def get_redirect_target(self, resp):
        return None


def _joined(address, location):
    try:
        return urljoin(address, location)
    except ValueError:
        return ''


def _fetchable(address):
    """Return whether an address is one of the web."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises if it is not a port
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(_HOST.fullmatch(parts.hostname or ''))


def _size(text):
    """Return a header's number of bytes; None if it is not one, or 0: no file of drawings is."""
    if not (text.isascii() and text.isdigit()):
        return None
    # Python refuses to read thousands of digits; 15 of them are too many for any disk.
    return (int(text) or None) if len(text) < 16 else 10**15


def _md5(text):
    """Return the md5 of an x-goog-hash header, 16 bytes; None if it has none that can be used."""
    for part in text.split(','):
        kind, _, value = part.strip().partition('=')
        if kind == 'md5':
            try:
                digest = base64.b64decode(value, validate=True)
            except ValueError:
                return None
            return digest if len(digest) == 16 else None
    return None


def _first_cause(error):
    """Return the error that an error of requests began with: the operating system's."""
    while error.__context__ is not None:
        error = error.__context__
    return error
