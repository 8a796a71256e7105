"""Delivers an answer to the client, whole or as a fault has it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from onefile_sandbox.api import answers
from onefile_sandbox.api.answers import Answer
from onefile_sandbox.api.rendering import encode

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


async def send(answer: Answer, send_event: Send) -> None:
    """Send an answer."""
    await _begin(answer, send_event)
    await send_event({"type": "http.response.body", "body": answer.body})


async def give_up(send_event: Send) -> int | None:
    """End a call that the sandbox cannot answer for a bug of its own, in a way that no client tries again."""
    answer = Answer(400, b"The sandbox has failed. Its error output says how.", answers.TEXT, {"Connection": "close"})
    try:
        await send(answer, send_event)
    except RuntimeError:
        # An answer had begun; the web server closes its connection.
        return None
    return answer.status


async def send_half(answer: Answer, send_event: Send, connection: Connection | None) -> None:
    """Announce an answer, send half of it, and close the connection."""
    body = answer.body or b"[]"
    status = 200 if answer.status in _BODILESS else answer.status
    await _begin(replace(answer, status=status, body=body), send_event)
    half = body[: len(body) // 2]
    await send_event({"type": "http.response.body", "body": half, "more_body": True})
    if connection:
        connection.transport.close()


async def trickle(receive: Receive, send_event: Send, pause: Callable[[float], Awaitable[None]]) -> None:
    """Send an answer that never comes to its end, until the client is gone or the server stops."""
    await _begin(Answer(200, b" " * _NEVER_SENT), send_event)
    gone = asyncio.ensure_future(until_gone(receive))
    while not gone.done():
        await send_event({"type": "http.response.body", "body": b" ", "more_body": True})
        await pause(_TRICKLE_SECONDS)


async def trickle_header(
    connection: Connection | None, receive: Receive, pause: Callable[[float], Awaitable[None]]
) -> None:
    """Send a header that never comes to its end, until the client is gone or the server stops."""
    gone = asyncio.ensure_future(until_gone(receive))
    text = b"HTTP/1.1 200 OK\r\nX-Slow: "
    while connection and not gone.done():
        connection.transport.write(text)
        text = b"y"
        await pause(_TRICKLE_SECONDS)


async def mangle_header(connection: Connection | None, receive: Receive) -> None:
    """Send an answer that has a line among its headers which is none, and end the connection."""
    if connection:
        connection.transport.write(b"HTTP/1.1 200 OK\r\nthis is no header\r\nContent-Length: 2\r\n\r\n[]")
        connection.transport.close()
    await until_gone(receive)


async def break_off(connection: Connection | None, receive: Receive, *, reset: bool) -> None:
    """End a connection without an answer."""
    if connection:
        if reset:
            sock = connection.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            connection.transport.abort()
        else:
            connection.transport.close()
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    """Wait until the client, or the connection, is no more."""
    while (await receive())["type"] != "http.disconnect":
        pass


def connection_of(scope: Scope, connections: Iterable[Connection]) -> Connection | None:
    """Find the connection that a call came by; the client's address is its alone."""
    client = tuple(scope["client"] or ())
    return next((c for c in connections if tuple(c.client or ()) == client), None)


async def _begin(answer: Answer, send_event: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.status not in _BODILESS:
        headers.append((b"content-length", str(len(answer.body)).encode()))
        if answer.body:
            headers.append((b"content-type", answer.content_type.encode()))
    await send_event({"type": "http.response.start", "status": answer.status, "headers": headers})
