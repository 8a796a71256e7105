"""Reads a call, logs it, and sees that it is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from onefile_sandbox.api import routes
from onefile_sandbox.api.answers import error
from onefile_sandbox.server import delivery
from onefile_sandbox.server.calls import Call
from onefile_sandbox.server.faults import REPLACING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import Receive, Scope, Send

    from onefile_sandbox.api.answers import Answer
    from onefile_sandbox.api.dispatch import Api
    from onefile_sandbox.api.routes import Route
    from onefile_sandbox.server.calls import CallLog
    from onefile_sandbox.server.delivery import Connection
    from onefile_sandbox.server.faults import Fault, Faults


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The API as an ASGI application.

    Attributes:
        api: Knows the answers.
        faults: The faults that are still to happen.
        log: Where calls are logged.
        latency: Seconds before every answer.
        clock: Gives the time in seconds.
        pause: Waits for so many seconds, or until the server stops.
        connections: Gives the web server's open connections.
    """

    api: Api
    faults: Faults
    log: CallLog
    latency: float
    clock: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]
    connections: Callable[[], Iterable[Connection]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        method = scope["method"]
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        route = routes.parse(method, path)
        call = Call(method, path, route.name, self.clock(), write=route.kind == "write")
        self.log.begin(call)
        try:
            await self._answer(route, call, scope, receive, send)
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is raised where the sandbox is stopped
            self.log.fail(call, failure)
            call.status = await delivery.give_up(send)
        finally:
            self.log.end(call)

    async def _answer(self, route: Route, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        parameters = _parameters(await _read_body(receive))
        call.body = {k: v for k, v in (parameters or {}).items() if "token" not in k.lower()}
        if self.latency:
            await self.pause(self.latency)
        refused = self.api.over_the_limit()
        if refused:
            await self._deliver(refused, call, send)
            return
        body = {name.lower(): value for name, value in (parameters or {}).items()}
        faults = self.faults.due(route.name, route.page, body)
        for fault in faults:
            if fault.kind == "slow":
                await self.pause(fault.seconds)
        replaced = next((fault for fault in faults if fault.kind in REPLACING), None)
        if replaced and await self._breaks(replaced, scope, receive, send):
            return
        kinds = [fault.kind for fault in faults]
        if replaced:
            answer = delivery.replacement(replaced) or self.api.expire()
        elif parameters is None:
            answer = error(400, "The request is invalid.")
        else:
            answer = self.api.answer(route, headers, body, kinds)
        answer = delivery.corrupted(answer, kinds)
        if "cut" in kinds:
            call.status = answer.status
            await delivery.send_half(answer, send, self._connection(scope))
            return
        await self._deliver(answer, call, send)

    async def _breaks(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> bool:
        """Let the connection break, hang or trickle, if that is what the fault is."""
        if fault.kind == "hang":
            await delivery.until_gone(receive)
        elif fault.kind == "trickle":
            await delivery.trickle(receive, send, self.pause)
        elif fault.kind == "trickling-header":
            await delivery.trickle_header(self._connection(scope), receive, self.pause)
        elif fault.kind == "mangled-header":
            await delivery.mangle_header(self._connection(scope), receive)
        elif fault.kind in {"reset", "close"}:
            reset = fault.kind == "reset"
            await delivery.break_off(self._connection(scope), receive, reset=reset)
        else:
            return False
        return True

    async def _deliver(self, answer: Answer, call: Call, send: Send) -> None:
        call.status = answer.status
        await delivery.send(answer, send)

    def _connection(self, scope: Scope) -> Connection | None:
        return delivery.connection_of(scope, self.connections())


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        body += bytes(event.get("body", b""))
        if not event.get("more_body", False):
            return body


def _parameters(raw: bytes) -> dict[str, Any] | None:
    """Read parameters from JSON or from a form, whatever the content type says; None if neither."""
    text = raw.decode("utf-8", "replace").strip()
    if not text.startswith(("{", "[")):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        content = json.loads(text)
    except ValueError:
        return None
    # One client logs in with an empty JSON list.
    return content if isinstance(content, dict) else {}
