"""Connections on which an answer comes within the time-out, or not at all.

The time-out of a socket starts anew with every packet, so that whoever sends a byte now and then keeps a reader waiting
for ever. Here it holds for all that is read from one request to the next.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    import socket

    from typing_extensions import Buffer
    from urllib3 import PoolManager, ProxyManager


class _InTime(io.RawIOBase):
    """Reads from a socket up to a moment."""

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
        self.fp = io.BufferedReader(_InTime(sock, self.fp.detach()))

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


class InTime(HTTPAdapter):
    """Makes the connections of a session such ones."""

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
