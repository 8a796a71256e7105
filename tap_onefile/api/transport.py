"""One HTTP exchange with OneFile, and the guarantee that it can only read.

This is the one place that sends anything. What it lets through is an allow-list: OneFile uses POST for searches as
well as for writes, so that the method alone does not tell a read from a write (API reference, section 2).
"""

from __future__ import annotations

import http
import http.client
import importlib.util
import io
import ipaddress
import os
import re
import ssl
import threading
import time
import zlib
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_onefile.errors import Fault, SettingsError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from typing_extensions import Buffer
    from urllib3.connectionpool import ConnectionPool

LOGIN = "Authentication"

_READS = {
    "GET": re.compile(r"[A-Za-z]+(/[A-Za-z0-9%_.~-]+)*"),
    "POST": re.compile(rf"{LOGIN}|[A-Za-z]+/Search(/[0-9]+/[0-9]+)?"),
}
_PREFIX = re.compile(r"(/[A-Za-z0-9%_.~-]+)*")
_NOT_A_NAME = re.compile(r"/(\.|%2e)+(/|$)|%(2f|5c|3f|23|3b)", re.IGNORECASE)
"""A segment of dots, or a character that a server may take for the end of a segment or of the path."""

_LENGTH = re.compile("[0-9]{1,18}")
_CHUNK = 1 << 18
_LARGEST = 1 << 28
"""Bytes: more than any honest answer has, and still little enough for memory."""
_TOO_LARGE = "more than was wanted"
_CUT_SHORT = "an answer that was cut short"
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_AUTOMATIC = zlib.MAX_WBITS | 32
"""Has zlib find out by itself whether its own header follows, or that of gzip."""
_WITHOUT_BODY = (204, 304)
_MOST_INFORMATIONAL = 20
"""Informational (1xx) answers after which we hang up."""


def is_loopback(host: str) -> bool:
    """Return whether a host, by name or address, is this machine, so that nothing sent to it leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_plain_path(path: str) -> bool:
    """Return whether the path of an address means to every server just what it says."""
    return _PREFIX.fullmatch(path.rstrip("/")) is not None and not _NOT_A_NAME.search(path)


class Answer(NamedTuple):
    """What OneFile sent back."""

    status: int
    content: bytes
    retry_after: float | None
    """Seconds that OneFile asks us to wait, if it does."""


class ForbiddenCall(Exception):
    """Code tried to make a call that is not on the allow-list of reads."""


class Transport:
    """Sends one call and gives the answer, whatever its status.

    TLS certificates are always verified; a private authority and proxies are taken from the usual environment
    variables, except for a loopback address, which is never reached through a proxy. Redirects are not followed. The
    timeout is in seconds, for a connection, and for the whole answer after that.

    Raises:
        SettingsError: One of these variables is wrong, which no repeat could put right.
    """

    def __init__(self, api_url: str, *, user_agent: str, timeout: float) -> None:
        self._api_url = api_url.rstrip("/")
        parts = urlsplit(self._api_url)
        self.host = parts.netloc
        self._prefix = parts.path
        self._loopback = is_loopback(parts.hostname or "")
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._timeout = timeout
        self._local = threading.local()
        if not self._loopback:
            _check_authority()
            _check_proxy(self._api_url)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, object] | None = None,
        at_most: int | None = None,
    ) -> Answer:
        """Make one call to a URL-encoded path; an answer of more bytes than `at_most` is a fault.

        Raises:
            ForbiddenCall: The call is not on the allow-list; nothing was sent.
            Fault: There was no whole answer: no connection, a time-out, a cut body, or more than was wanted.
        """
        session = self._session()
        call = requests.Request(method, f"{self._api_url}/{path}", headers={**self._headers, **headers}, json=body)
        prepared = self._prepared(session, call, path)
        settings = session.merge_environment_settings(prepared.url, {}, True, None, None)  # noqa: FBT003 - as requests does
        try:
            response = session.send(prepared, timeout=self._timeout, allow_redirects=False, **settings)
            try:
                content = self._read(response, _LARGEST if at_most is None else at_most)
            finally:
                # What is left unread, which it complains of, would add nothing.
                with suppress(http.client.HTTPException):
                    response.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise Fault(_describe(error), is_answer=False) from None
        return Answer(response.status_code, content, _retry_after(response.headers))

    def _prepared(self, session: requests.Session, call: requests.Request, path: str) -> requests.PreparedRequest:
        """Make a call that is on the allow-list by its whole path, just as it is sent."""
        allowed = _READS.get(str(call.method))
        if allowed is not None and allowed.fullmatch(path):
            prepared = session.prepare_request(call)
            if prepared.path_url == f"{self._prefix}/{path}" and is_plain_path(prepared.path_url):
                return prepared
        msg = f"{call.method} {path} is not a read and was not sent"
        raise ForbiddenCall(msg)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = not self._loopback
            session.mount("http://", _DeadlineAdapter())
            session.mount("https://", _DeadlineAdapter())
            # Keeps requests from sending what a .netrc file holds for the host.
            session.auth = lambda request: request
        return session

    def _read(self, response: requests.Response, at_most: int) -> bytes:
        headers = response.headers
        length = headers.get("Content-Length")
        if length is not None and not all(part.strip().isdecimal() for part in length.split(",")):
            raise Fault("an answer whose length cannot be read")
        if length is not None and _LENGTH.fullmatch(length) and int(length) > at_most:
            raise Fault(_TOO_LARGE, is_other_shape=True)
        is_framed = length is not None or "Transfer-Encoding" in headers
        # In one piece where that is safe, as each further one waits for its turn among the threads.
        size = _CHUNK if length is None or "Transfer-Encoding" in headers else int(length.split(",")[0]) + 1
        body = _Body(headers.get("Content-Encoding", ""), at_most)
        # A small compressed body may take for ever to unpack.
        deadline = time.monotonic() + self._timeout
        while chunk := response.raw.read(size, decode_content=False):
            body.add(chunk)
            if time.monotonic() > deadline:
                raise requests.Timeout
        content = body.whole()
        if not (content or is_framed or response.status_code in _WITHOUT_BODY):
            raise Fault(_CUT_SHORT)
        return content


def _check_authority() -> None:
    """Check the file with certificates that requests takes from the environment."""
    variable = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), None)
    if variable is None:
        return
    path = Path(os.environ[variable])
    try:
        if not path.is_dir():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        fault = "holds no certificates in PEM form" if isinstance(error, ssl.SSLError) else "cannot be read"
        raise SettingsError(f"The variable {variable} names a file that {fault}: correct it, or unset it.") from None


def _check_proxy(address: str) -> None:
    """Check the proxy that requests takes from the environment."""
    proxy = requests.utils.select_proxy(address, requests.utils.get_environ_proxies(address))
    if proxy is None:
        return
    variable = next((name for name, value in os.environ.items() if value == proxy), "HTTPS_PROXY")
    try:
        parts = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
    except urllib3.exceptions.LocationParseError:
        parts = urllib3.util.Url()
    is_socks = str(parts.scheme).startswith("socks")
    if not (parts.host and (is_socks or parts.scheme in {"http", "https"})):
        raise SettingsError(
            f"The variable {variable} is not the address of a proxy, such as http://proxy.college.example:8080: correct"
            " it, or unset it."
        )
    if is_socks and importlib.util.find_spec("socks") is None:
        raise SettingsError(
            f"The variable {variable} names a SOCKS proxy, which needs the package PySocks: install it beside the tap"
            " (under Meltano, add it to pip_url), or use a proxy whose address begins with http://."
        )


class _Body:
    """A body as it comes in, unpacked; it is whole only where its encodings end."""

    def __init__(self, encoding: str, at_most: int) -> None:
        names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
        if set(names) - _ENCODINGS:
            raise Fault("an answer in an encoding that was not asked for")
        self._unpackers = [zlib.decompressobj(_AUTOMATIC) for _ in names]
        self._chunks: list[bytes] = []
        self._size = 0
        self._at_most = at_most

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        try:
            for unpacker in self._unpackers:
                chunk = unpacker.decompress(chunk, self._at_most + 1)
        except zlib.error:
            raise Fault(_CUT_SHORT) from None
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self._at_most:
            raise Fault(_TOO_LARGE, is_other_shape=True)

    def whole(self) -> bytes:
        """Return the body. Raises Fault where an encoding has not ended; of nothing, nothing need have begun."""
        if self._chunks and any(not unpacker.eof or unpacker.unused_data for unpacker in self._unpackers):
            raise Fault(_CUT_SHORT)
        return b"".join(self._chunks)


def _describe(error: Exception) -> str:
    """Describe a failed exchange without the texts of libraries, which hold addresses and headers."""
    causes: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        item = queue.pop()
        if isinstance(item, BaseException) and item not in causes:
            causes.append(item)
            queue += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return next(what for kind, what in _FAILURES if any(isinstance(cause, kind) for cause in causes))


_FAILURES: tuple[tuple[type[BaseException], str], ...] = (
    (requests.ConnectTimeout, "no connection within request_timeout"),
    (requests.Timeout, "no answer within request_timeout"),
    (TimeoutError, "no answer within request_timeout"),
    (ssl.SSLError, "a TLS certificate or connection that cannot be trusted"),
    (requests.exceptions.SSLError, "a TLS certificate or connection that cannot be trusted"),
    (requests.exceptions.ProxyError, "no connection through the proxy"),
    (urllib3.exceptions.NameResolutionError, "a host name that cannot be resolved"),
    (ConnectionRefusedError, "connection refused"),
    (http.client.IncompleteRead, _CUT_SHORT),
    (urllib3.exceptions.DecodeError, _CUT_SHORT),
    (requests.exceptions.ChunkedEncodingError, _CUT_SHORT),
    (BaseException, "a connection that broke off"),
)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the header Retry-After: a number of seconds or a date (RFC 9110, section 10.2.3).

    A date is held against the answer's own, as the clock that it comes from need not be ours.
    """
    value = headers.get("Retry-After", "").strip()
    try:
        if not value or value.isdecimal():
            return float(value) if value else None
        now = _to_seconds(headers["Date"]) if "Date" in headers else time.time()
        return max(0.0, _to_seconds(value) - now)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _to_seconds(date: str) -> float:
    moment = parsedate_to_datetime(date)
    # The oldest of the three spellings of a date names no time zone; it is always UTC.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket up to a moment.

    The time-out of a socket starts anew with every packet, so that whoever sends a byte now and then keeps a reader
    waiting for ever. Here it holds for all that is read from one request to the next.
    """

    def __init__(self, connection: socket.socket, raw: io.RawIOBase) -> None:
        self._connection = connection
        self._raw = raw
        timeout = connection.gettimeout()
        self._until = None if timeout is None else time.monotonic() + timeout
        self.has_ended = False
        """Whether the other side has sent its last byte, or nothing more is wanted of it."""

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int | None:
        if self.has_ended:
            return 0
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
        read = self._raw.readinto(buffer)
        self.has_ended = read == 0
        return read

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _AnswerReader(io.BufferedReader):
    """Reads one answer, and notices what follows it on the same connection although nothing more was asked."""

    def __init__(self, raw: _DeadlineReader) -> None:
        super().__init__(raw)
        self._deadline_reader = raw

    @override
    def close(self) -> None:
        if not self.closed:
            self._deadline_reader.has_ended = True
            left = self.peek(1)
            super().close()
            if left:
                # It would be taken for the answer to the next question, or this answer is another than it says.
                raise http.client.HTTPException


class _Response(http.client.HTTPResponse):
    """An answer whose status, headers and body come in time, and whose headers are headers, all of them.

    Informational answers, as proxies send them, are passed over up to the final one (RFC 9110, section 15.2).
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - they are the library's
        super().__init__(sock, *arguments, **options)
        self._reader = _DeadlineReader(sock, self.fp.detach())
        self.fp = _AnswerReader(self._reader)

    @override
    def begin(self) -> None:
        for _ in range(_MOST_INFORMATIONAL):
            super().begin()
            # The libraries above would log what cannot be read, and go on without the headers that follow it.
            headers: http.client.HTTPMessage = self.headers
            if self._reader.has_ended or headers.defects or headers.get_payload():
                raise http.client.HTTPException
            if self.status >= http.HTTPStatus.OK:
                return
            if self.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                break
            # Reset, as before the first answer.
            vars(self).update(headers=None, msg=None)
        raise http.client.HTTPException


class _DeadlineAdapter(HTTPAdapter):
    """Applies the deadline to every connection of a session, whether straight or through a proxy of any kind."""

    @override
    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> ConnectionPool:
        pool = super().get_connection_with_tls_context(*arguments, **options)
        # urllib3's types do not say what a connection makes its responses of.
        untyped: Any = pool
        if untyped.ConnectionCls.response_class is not _Response:
            untyped.ConnectionCls = type("Connection", (untyped.ConnectionCls,), {"response_class": _Response})
        return pool
