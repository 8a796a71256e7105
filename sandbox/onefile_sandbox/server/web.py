"""Starts and stops the web server, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn
from typing_extensions import override

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST = "127.0.0.1"


class Server(uvicorn.Server):
    """Uvicorn on a port of this machine, save that it stops at once, even in the midst of a call."""

    def __init__(self, port: int) -> None:
        fast = importlib.util.find_spec("httptools")
        config = uvicorn.Config(
            "",  # the application comes with `start`, since it has to know the server
            http="httptools" if fast else "h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            # Longer than any test: a client that keeps a connection shouldn't find it closed by the clock.
            timeout_keep_alive=300,
        )
        super().__init__(config)
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._answer_calls, name="onefile-sandbox", daemon=True)

    def start(self, app: ASGIApp) -> None:
        """Start serving an application, and return when calls are answered."""
        self.config.app = app
        self._thread.start()
        if not self._ready.wait(timeout=10):
            raise RuntimeError("the sandbox did not start")

    def stop(self) -> None:
        """Stop. Calls that are under way get no answer."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    async def pause(self, seconds: float) -> None:
        """Wait for so many seconds, or until the server stops."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def transport(self, client: object) -> asyncio.Transport | None:
        """Give the open connection of a client, whose address is its connection's alone."""
        transports = (connection.transport for connection in self.server_state.connections)
        return next((each for each in transports if each.get_extra_info("peername") == client), None)

    def _answer_calls(self) -> None:
        try:
            self._loop.run_until_complete(self.serve(sockets=[self._socket]))
        finally:
            self._loop.close()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    @override
    async def main_loop(self) -> None:
        while not self._stopping.is_set():
            # On tick 0 the server sets its clock, which is all that its ticks are needed for.
            await self.on_tick(0)
            await self.pause(1.0)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Clients are not waited for: some tests leave one hanging on purpose.
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=3)


def _listening(port: int) -> socket.socket:
    # With the protocol left at 0, as `create_server` leaves it, asyncio does not switch Nagle's algorithm off, and
    # every second answer waits 40 ms for the client's acknowledgement.
    made = socket.create_server((HOST, port), backlog=512)
    return socket.socket(made.family, made.type, socket.IPPROTO_TCP, made.detach())
