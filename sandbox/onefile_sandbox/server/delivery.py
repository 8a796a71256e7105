"""Delivers an answer to the client, whole or as a fault has it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import zlib
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from onefile_sandbox.api import answers
from onefile_sandbox.api.answers import Answer, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from onefile_sandbox.server.faults import Fault
    from onefile_sandbox.server.web import Server

# Linger on, for no time: closing the socket then sends a reset and drops what is unsent.
_NO_LINGER = struct.pack("ii", 1, 0)
_BODILESS = frozenset({204, 304})
_SECOND_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _blanks(packer: zlib._Compress, count: int) -> bytes:
    return _chunk(packer.compress(b" " * count) + packer.flush(zlib.Z_FULL_FLUSH))


_GZIP = zlib.MAX_WBITS | 16
_packer = zlib.compressobj(wbits=_GZIP)
_PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + _blanks(_packer, 1)
_ENDLESS = {
    "trickle": (b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n", b" ", 0.1),
    "trickling-header": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y", 0.1),
    "bomb": (_PACKED, _blanks(_packer, 1 << 20), 0.002),
}
"""What is sent first and then again and again, and how many seconds apart."""


@dataclass(frozen=True)
class Exchange:
    """One call as the web server has it, and the ways in which it can end."""

    scope: Scope
    receive: Receive
    send_event: Send
    server: Server

    async def read(self) -> bytes:
        """Read the body of the call."""
        body = b""
        while True:
            event = await self.receive()
            body += bytes(event.get("body", b""))
            if not event.get("more_body", False):
                return body

    async def send(self, answer: Answer, faults: Mapping[str, Fault] | None = None) -> None:
        """Send an answer, as faults frame it, cut it, or have something follow it."""
        faults = faults or {}
        reframed = faults.get("cut") or faults.get("reframed")
        if reframed or "Date" in answer.headers:
            await self._end_by(wire(answer, reframed))
            return
        if is_followed := "stray" in faults:
            # In one piece with it: what comes later cannot be told from the answer to the next call, by anybody.
            self._hold_back(on=True)
        await self._begin(answer)
        await self.send_event({"type": "http.response.body", "body": answer.body})
        if is_followed:
            self.write(_SECOND_ANSWER)
            self._hold_back(on=False)

    def write(self, sent: bytes) -> None:
        """Write to the connection, past the web server."""
        if transport := self._transport():
            transport.write(sent)

    async def give_up(self) -> int | None:
        """End a call that a bug of the sandbox's own leaves unanswered, in a way that no client tries again."""
        body = b"The sandbox has failed. Its error output says how."
        try:
            await self.send(Answer(400, body, answers.TEXT, {"Connection": "close"}))
        except RuntimeError:
            # An answer had begun; the web server closes its connection.
            return None
        return 400

    async def break_off(self, fault: Fault) -> None:
        """End the call without a whole answer, as a fault has it, or keep it until the client is gone."""
        kind, transport, gone = fault.kind, self._transport(), asyncio.ensure_future(self._until_gone())
        if kind in _ENDLESS:
            begin, more, pause = _ENDLESS[kind]
            self.write(begin)
            while not gone.done():
                await self.server.pause(pause)
                self.write(more)
        elif kind == "mangled-header":
            await self._end_by(b"HTTP/1.1 200 OK\r\nthis is no header\r\nContent-Length: 2\r\n\r\n[]")
        elif kind == "informational-only":
            await self._end_by(informational(fault))
        elif transport and kind == "reset":
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        elif transport and kind == "close":
            transport.close()
        await gone

    def _hold_back(self, *, on: bool) -> None:
        """Have what is written go out in one piece, where the system can do that."""
        if (transport := self._transport()) and hasattr(socket, "TCP_CORK"):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, int(on))

    async def _end_by(self, sent: bytes) -> None:
        if transport := self._transport():
            transport.write(sent)
            transport.close()
        await self._until_gone()

    async def _until_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def _transport(self) -> asyncio.Transport | None:
        return self.server.transport(self.scope["client"])

    async def _begin(self, answer: Answer) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        if answer.status not in _BODILESS:
            headers.append((b"content-length", str(len(answer.body)).encode()))
            if answer.body:
                headers.append((b"content-type", answer.content_type.encode()))
        await self.send_event({"type": "http.response.start", "status": answer.status, "headers": headers})


def wire(answer: Answer, fault: Fault | None) -> bytes:
    """Spell an answer as it is sent on a connection that ends with it: framed, packed and cut as a fault says."""
    framing, encoding = (fault.framing, fault.encoding) if fault else ("length", "identity")
    status, body = answer.status, answer.body
    is_cut = fault is not None and fault.kind == "cut"
    if status in _BODILESS and is_cut:
        status, body = 200, body or b"[]"
    headers = {"Content-Type": answer.content_type, "Connection": "close", **answer.headers}
    body = packed(body or b"[]" if is_cut else body, encoding, headers)
    if status in _BODILESS:
        body = b""
    elif framing == "chunk":
        headers["Transfer-Encoding"] = "chunked"
        halves = (body[: len(body) // 2], body[len(body) // 2 :])
        body = b"".join(_chunk(half) for half in (*filter(None, halves), b""))
    elif framing == "length":
        headers["Content-Length"] = str(len(body))
    if fault and is_cut:
        body = body[: len(body) // 2 if fault.at is None else fault.at]
    lines = [f"HTTP/1.1 {status} As it is", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def packed(body: bytes, encoding: str, headers: dict[str, str]) -> bytes:
    """Pack a body, and say so in headers."""
    if encoding == "identity":
        return body
    headers["Content-Encoding"] = encoding
    packer = zlib.compressobj(wbits=_GZIP if encoding == "gzip" else zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def informational(fault: Fault) -> bytes:
    """Spell an answer that is not the answer yet."""
    return b"HTTP/1.1 %d Not yet\r\nLink: </x>\r\n\r\n" % (fault.status if fault.status < HTTPStatus.OK else 103)


def replacement(fault: Fault) -> Answer | None:
    """Give the answer that a fault puts in the place of the real one, if it is an answer."""
    if fault.kind == "status":
        return _failure(fault)
    return {
        "html": Answer(200, answers.WEB_PAGE, answers.HTML),
        "redirect": Answer(302, headers={"Location": fault.location}),
        "empty-200": Answer(200),
    }.get(fault.kind)


def _failure(fault: Fault) -> Answer:
    headers = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = answers.retry_after(fault.retry_after, fault.retry_after_style, fault.clock_ahead)
    if fault.clock_ahead:
        headers["Date"] = answers.retry_after(0, "date", fault.clock_ahead)
    if fault.body == "json":
        return answers.error(fault.status, fault.message, fault.code, headers)
    if fault.body == "html":
        return Answer(fault.status, answers.WEB_PAGE, answers.HTML, headers)
    return Answer(fault.status, fault.body.replace("empty", "").encode(), headers=headers)


def encoded(answer: Answer, encoding: str) -> Answer:
    """Spell the JSON of an answer in another encoding."""
    if encoding == "utf-8" or answer.body[:1] not in {b"[", b"{"}:
        return answer
    if encoding == "gzip":
        headers = dict(answer.headers)
        return replace(answer, body=packed(answer.body, encoding, headers), headers=headers)
    # What Latin-1 lacks, JSON has an escape for.
    return replace(answer, body=answer.body.decode().encode(encoding, "backslashreplace"))


def corrupted(answer: Answer, faults: Mapping[str, Fault]) -> Answer:
    """Spoil the body of an answer as faults do."""
    if (fault := faults.get("lacking-rows")) and answer.body.startswith(b"["):
        answer = replace(answer, body=encode(json.loads(answer.body)[: -fault.rows]).encode())
    if fault := faults.get("odd-value"):
        value = fault.value.encode("latin-1")
        first = rb'("%b":)(?:"(?:[^"\\]|\\.)*"|[^",}\]]+)' % fault.name.encode()
        answer = replace(answer, body=re.sub(first, lambda found: found[1] + value, answer.body, count=1))
    if "wrong-shape" in faults:
        content = json.loads(answer.body) if answer.body.startswith((b"[", b"{")) else None
        other = [content] if isinstance(content, dict) else {"Items": content}
        answer = replace(answer, status=200, body=encode(other).encode())
    if fault := faults.get("malformed"):
        headers = dict(answer.headers)
        body = packed(answer.body, fault.encoding, headers)
        kept = body[: len(body) * 2 // 3 if fault.at is None else fault.at] or b'[{"ID":'
        answer = replace(answer, status=200, body=kept, headers=headers)
    if "garbled" in faults:
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        answer = replace(answer, status=200, body=answer.body or b"[]", headers=headers)
    return answer
