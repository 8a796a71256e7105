"""One HTTP exchange with OneFile, and the guarantee that it can only read.

This is the one place that sends anything. What it lets through is an allow-list: OneFile uses POST for searches as
well as for writes, so that the method alone does not tell a read from a write (API reference, section 2).
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import ssl
import threading
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from tap_onefile.errors import Fault

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from typing_extensions import Buffer
    from urllib3 import PoolManager, ProxyManager

LOGIN = "Authentication"

_READS = {
    "GET": re.compile(r"[A-Za-z]+(/[A-Za-z0-9%_.~-]+)*"),
    "POST": re.compile(rf"{LOGIN}|[A-Za-z]+/Search(/[0-9]+/[0-9]+)?"),
}
_DOTS = re.compile(r"/(\.|%2[eE])+(/|$)")
"""A segment that is a way to go rather than a name, quoted or not."""

_LENGTH = re.compile("[0-9]{1,18}")
_CHUNK = 1 << 18
_LARGEST = 1 << 28
"""Bytes that no honest answer has, and that do not fill the memory yet."""


def is_loopback(host: str) -> bool:
    """Return whether a host, by name or address, is this machine, so that nothing sent to it leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    variables, except for a loopback address, which is never reached through a proxy. Redirects are not followed.

    Args:
        api_url: The address of the API, with its version.
        user_agent: How we introduce ourselves.
        timeout: Seconds to wait for a connection, and for the whole answer after that.
    """

    def __init__(self, api_url: str, *, user_agent: str, timeout: float) -> None:
        self._api_url = api_url.rstrip("/")
        parts = urlsplit(self._api_url)
        self.host = parts.netloc
        self._loopback = is_loopback(parts.hostname or "")
        self._headers = {"User-Agent": user_agent, "Accept": "application/json"}
        self._timeout = timeout
        self._local = threading.local()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, object] | None = None,
        at_most: int | None = None,
    ) -> Answer:
        """Make one call.

        Args:
            method: GET or POST.
            path: The path below the address of the API, already URL-encoded.
            headers: The header that carries the token.
            body: The filters of a search.
            at_most: Bytes beyond which the answer is not wanted.

        Returns:
            The answer.

        Raises:
            ForbiddenCall: The call is not on the allow-list; nothing was sent.
            Fault: There was no whole answer: no connection, a time-out, a cut body, or more than was wanted.
        """
        allowed = _READS.get(method)
        if allowed is None or not allowed.fullmatch(path) or _DOTS.search(path):
            msg = f"{method} {path} is not a read and was not sent"
            raise ForbiddenCall(msg)
        try:
            response = self._session().request(
                method,
                f"{self._api_url}/{path}",
                headers={**self._headers, **headers},
                json=body,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            with response:
                content = self._read(response, _LARGEST if at_most is None else at_most)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Fault(_describe(error), is_answer=False) from None
        return Answer(response.status_code, content, _retry_after(response.headers.get("Retry-After")))

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
        is_told = length is not None and _LENGTH.fullmatch(length) is not None
        if is_told and int(length or 0) > at_most:
            raise Fault("more than was wanted")
        if is_told and "Content-Encoding" not in headers and "Transfer-Encoding" not in headers:
            # In one piece, as each further one waits for its turn among the threads.
            whole: bytes = response.raw.read()
            return whole
        # What is packed into a little may take for ever to unpack.
        deadline = time.monotonic() + self._timeout
        chunks = []
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise requests.Timeout
            if sum(map(len, chunks)) > at_most:
                raise Fault("more than was wanted")
        return b"".join(chunks)


def _describe(error: Exception) -> str:
    """Describe a failed exchange without the texts of libraries, which hold addresses and headers."""
    causes = _causes(error)
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
    (http.client.IncompleteRead, "an answer that was cut short"),
    (urllib3.exceptions.DecodeError, "an answer that was cut short"),
    (requests.exceptions.ChunkedEncodingError, "an answer that was cut short"),
    (BaseException, "a connection that broke off"),
)


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        item = queue.pop()
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            queue += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return found


def _retry_after(value: str | None) -> float | None:
    """Read the header Retry-After, which is a number of seconds or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            return float(value)
        moment = parsedate_to_datetime(value)
        # The oldest of the three spellings of a date names no time zone; it is always UTC.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


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

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer whose status, headers and body come in time, and whose headers are headers."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - they are the library's
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))

    @override
    def begin(self) -> None:
        super().begin()
        # The libraries above would log what cannot be read, and go on without the headers that follow it.
        if self.headers.defects or self.headers.get_payload():
            raise http.client.HTTPException


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # ty: ignore[invalid-assignment] # urllib3's own class does not keep its protocol either


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection  # ty: ignore[invalid-assignment] # as above


class _DeadlineAdapter(HTTPAdapter):
    """Adapter that applies the deadline to every connection of a session."""

    @override
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        _set_pools(self.poolmanager)

    @override
    def proxy_manager_for(self, *arguments: Any, **options: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(*arguments, **options)
        _set_pools(manager)
        return manager


def _set_pools(manager: PoolManager) -> None:
    pools: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}
    manager.pool_classes_by_scheme = pools  # ty: ignore[invalid-assignment] # urllib3 has no annotation for it
