"""Reads a call, logs it, and sees that it is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from onefile_sandbox.api import routes
from onefile_sandbox.api.answers import error
from onefile_sandbox.server import delivery
from onefile_sandbox.server.calls import Call
from onefile_sandbox.server.delivery import Exchange
from onefile_sandbox.server.faults import BREAKING, REPLACING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from onefile_sandbox.api.dispatch import Api
    from onefile_sandbox.api.routes import Route
    from onefile_sandbox.server.calls import CallLog
    from onefile_sandbox.server.faults import Faults
    from onefile_sandbox.server.web import Server


@dataclass(frozen=True)
class Endpoint:
    """The API as an ASGI application; `latency` seconds pass before every answer."""

    api: Api
    faults: Faults
    log: CallLog
    server: Server
    latency: float
    clock: Callable[[], float]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        method = scope["method"]
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        route = routes.parse(method, path)
        call = Call(method, path, route.name, self.clock(), write=route.kind == "write")
        self.log.begin(call)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        exchange = Exchange(scope, receive, send, self.server)
        try:
            await self._answer(route, call, headers, exchange)
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is raised where the sandbox is stopped
            self.log.fail(call, failure)
            call.status = 400  # already, as the client may have the answer before the end of sending it
            call.status = await exchange.give_up()
        finally:
            self.log.end(call)

    async def _answer(self, route: Route, call: Call, headers: dict[str, str], exchange: Exchange) -> None:
        parameters = _parameters(await exchange.read())
        call.body = {k: v for k, v in (parameters or {}).items() if "token" not in k.lower()}
        if self.latency:
            await self.server.pause(self.latency)
        refused = self.api.over_the_limit()
        if refused:
            call.status = refused.status
            await exchange.send(refused)
            return
        body = {name.lower(): value for name, value in (parameters or {}).items()}
        due = self.faults.due(route, call.path, body)
        faults = {fault.kind: fault for fault in due}
        for fault in due:
            if fault.kind == "slow":
                await self.server.pause(fault.seconds)
            if fault.kind == "informational":
                exchange.write(delivery.informational(fault))
            if fault.kind == "other-question":
                body |= {name.lower(): value for name, value in fault.instead.items()}
                route = replace(route, record_id=body.pop("id", route.record_id))
        replaced = next((fault for fault in due if fault.kind in REPLACING), None)
        if replaced and replaced.kind in BREAKING:
            await exchange.break_off(replaced)
            return
        if replaced:
            answer = delivery.replacement(replaced) or self.api.expire()
        elif parameters is None:
            answer = error(400, "The request is invalid.")
        else:
            answer = self.api.answer(route, headers, body, {fault.kind: fault.rows for fault in due})
        answer = delivery.encoded(delivery.corrupted(answer, faults), self.api.behaviour.encoding)
        call.status = answer.status
        await exchange.send(answer, faults)


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
