"""Delivers an answer to the client, whole or as a fault has it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from onefile_sandbox.api import answers
from onefile_sandbox.api.answers import Answer, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from starlette.types import Receive, Scope, Send

    from onefile_sandbox.server.faults import Fault, Kind

# Linger on, for no time: closing the socket then sends a reset and drops what is unsent.
_NO_LINGER = struct.pack("ii", 1, 0)
_BODILESS = frozenset({204, 304})
_NEVER_SENT = 1 << 20
_TRICKLE_SECONDS = 0.1


class Connection(Protocol):
    """What is needed of a connection of the web server."""

    client: tuple[str, int] | None
    transport: asyncio.Transport


@dataclass(frozen=True)
class Exchange:
    """One call as the web server has it, and the ways in which it can end."""

    scope: Scope
    receive: Receive
    send_event: Send
    pause: Callable[[float], Awaitable[None]]
    connections: Callable[[], Iterable[Connection]]

    async def read(self) -> bytes:
        """Read the body of the call."""
        body = b""
        while True:
            event = await self.receive()
            body += bytes(event.get("body", b""))
            if not event.get("more_body", False):
                return body

    async def send(self, answer: Answer) -> None:
        """Send an answer."""
        await self._begin(answer)
        await self.send_event({"type": "http.response.body", "body": answer.body})

    async def send_half(self, answer: Answer) -> None:
        """Announce an answer, send half of it, and close the connection."""
        body = answer.body or b"[]"
        status = 200 if answer.status in _BODILESS else answer.status
        await self._begin(replace(answer, status=status, body=body))
        await self._send_more(body[: len(body) // 2])
        if transport := self._transport():
            transport.close()

    async def give_up(self) -> int | None:
        """End a call that a bug of the sandbox's own leaves unanswered, in a way that no client tries again."""
        body = b"The sandbox has failed. Its error output says how."
        try:
            await self.send(Answer(400, body, answers.TEXT, {"Connection": "close"}))
        except RuntimeError:
            # An answer had begun; the web server closes its connection.
            return None
        return 400

    async def break_off(self, kind: Kind) -> None:
        """End the call without a whole answer, as a fault has it, or keep it until the client is gone."""
        transport = self._transport()
        gone = asyncio.ensure_future(self._until_gone())
        if kind == "trickle":
            await self._begin(Answer(200, b" " * _NEVER_SENT))
            while not gone.done():
                await self._send_more(b" ")
                await self.pause(_TRICKLE_SECONDS)
        elif transport and kind == "trickling-header":
            transport.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not gone.done():
                await self.pause(_TRICKLE_SECONDS)
                transport.write(b"y")
        elif transport and kind == "mangled-header":
            transport.write(b"HTTP/1.1 200 OK\r\nthis is no header\r\nContent-Length: 2\r\n\r\n[]")
            transport.close()
        elif transport and kind == "reset":
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        elif transport and kind == "close":
            transport.close()
        await gone

    async def _until_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def _transport(self) -> asyncio.Transport | None:
        # The client's address is its connection's alone.
        client = tuple(self.scope["client"] or ())
        return next((c.transport for c in self.connections() if tuple(c.client or ()) == client), None)

    async def _send_more(self, body: bytes) -> None:
        await self.send_event({"type": "http.response.body", "body": body, "more_body": True})

    async def _begin(self, answer: Answer) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        if answer.status not in _BODILESS:
            headers.append((b"content-length", str(len(answer.body)).encode()))
            if answer.body:
                headers.append((b"content-type", answer.content_type.encode()))
        await self.send_event({"type": "http.response.start", "status": answer.status, "headers": headers})


def replacement(fault: Fault) -> Answer | None:
    """Give the answer that a fault puts in the place of the real one, if it is an answer."""
    answered: dict[Kind, Callable[[Fault], Answer]] = {
        "status": _failure,
        "html": lambda _: Answer(200, answers.WEB_PAGE, answers.HTML),
        "redirect": lambda fault: Answer(302, headers={"Location": fault.location}),
        "empty-200": lambda _: Answer(200),
    }
    make = answered.get(fault.kind)
    return make(fault) if make else None


def _failure(fault: Fault) -> Answer:
    headers = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = answers.retry_after(fault.retry_after, fault.retry_after_style)
    if fault.body == "html":
        return Answer(fault.status, answers.WEB_PAGE, answers.HTML, headers)
    if fault.body == "empty":
        return Answer(fault.status, headers=headers)
    return answers.error(fault.status, fault.message, fault.code, headers)


def corrupted(answer: Answer, kinds: Collection[Kind]) -> Answer:
    """Spoil the body of an answer as faults of these kinds do."""
    if "wrong-shape" in kinds:
        content = json.loads(answer.body) if answer.body.startswith((b"[", b"{")) else None
        other = [content] if isinstance(content, dict) else {"Items": content}
        answer = replace(answer, status=200, body=encode(other).encode())
    if "malformed" in kinds:
        kept = answer.body[: len(answer.body) * 2 // 3] or b'[{"ID":'
        answer = replace(answer, status=200, body=kept)
    if "garbled" in kinds:
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        answer = replace(answer, status=200, body=answer.body or b"[]", headers=headers)
    return answer
