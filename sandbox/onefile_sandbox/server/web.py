"""Starts and stops the web server, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import socket
import threading
from typing import TYPE_CHECKING, cast

import uvicorn
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from onefile_sandbox.server.delivery import Connection

HOST = "127.0.0.1"
_LOOPBACK = frozenset({HOST, "::1"})
_START_SECONDS = 10.0
_STOP_SECONDS = 3.0
# Longer than any test: a client that keeps a connection shouldn't find it closed by the clock.
_KEEP_ALIVE_SECONDS = 300


class Server:
    """A web server on a port of this machine, which stops at once, even in the midst of a call."""

    def __init__(self, port: int) -> None:
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._web: _Web | None = None
        self._thread: threading.Thread | None = None

    def start(self, app: ASGIApp) -> None:
        """Start serving an application, and return when calls are answered."""
        web = self._web = _Web(app, self.pause, self._stopping)
        self._thread = threading.Thread(target=self._serve, args=(web,), name="onefile-sandbox", daemon=True)
        self._thread.start()
        if not web.ready.wait(_START_SECONDS):
            raise RuntimeError("the sandbox did not start")

    def stop(self) -> None:
        """Stop. Calls that are under way get no answer."""
        if self._thread and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    async def pause(self, seconds: float) -> None:
        """Wait for so many seconds, or until the server stops."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def connections(self) -> list[Connection]:
        """Give the open connections."""
        return self._web.connections() if self._web else []

    def _serve(self, web: _Web) -> None:
        try:
            self._loop.run_until_complete(web.serve(sockets=[self._socket]))
        finally:
            self._loop.close()


def _listening(port: int) -> socket.socket:
    # With the protocol left at 0, as `socket.create_server` leaves it, asyncio does not switch Nagle's algorithm
    # off, and every second answer waits 40 ms for the client's acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(512)
    except OSError:
        listening.close()
        raise
    return listening


class _Web(uvicorn.Server):
    """Uvicorn, save that it says when it is ready and doesn't wait for clients when it stops."""

    def __init__(self, app: ASGIApp, pause: Callable[[float], Awaitable[None]], stopping: asyncio.Event) -> None:
        fast = importlib.util.find_spec("httptools")
        config = uvicorn.Config(
            app,
            http="httptools" if fast else "h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        super().__init__(config)
        self.ready = threading.Event()
        self._pause = pause
        self._stopping = stopping

    def connections(self) -> list[Connection]:
        return [cast("Connection", connection) for connection in self.server_state.connections]

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @override
    async def main_loop(self) -> None:
        while not self._stopping.is_set():
            # On tick 0 the server sets its clock, which is all that its ticks are needed for.
            await self.on_tick(0)
            await self._pause(1.0)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Clients are not waited for: some tests leave one hanging on purpose.
        for server in self.servers:
            server.close()
        for connection in self.connections():
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_STOP_SECONDS)


def application(api: ASGIApp, control: ASGIApp, control_prefix: str) -> ASGIApp:
    """Join the API and the control routes, which only this machine may call."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        is_control = path.startswith(f"{control_prefix}/") and scope["client"][0] in _LOOPBACK
        if is_control:
            scope = {**scope, "path": path[len(control_prefix) :]}
        await (control if is_control else api)(scope, receive, send)

    return app
