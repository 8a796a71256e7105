"""Answers, before they are on their way."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onefile_sandbox.api.behaviour import Nothing, RetryAfter

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

WEB_PAGE = b"<!DOCTYPE html>\r\n<html><head><title>Eportfolio</title></head><body><h1>We'll be back soon</h1></body></html>\r\n"  # noqa: E501


@dataclass(frozen=True)
class Answer:
    """A status, a body, and the headers that matter."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def error(status: int, message: str, code: int | None = None, headers: dict[str, str] | None = None) -> Answer:
    """Refuse, in the form that one client shows: lower-case `code` and `message`."""
    body = {"message": message} if code is None else {"code": code, "message": message}
    return Answer(status, encode(body).encode(), headers=headers or {})


def nothing(way: Nothing) -> Answer:
    """Say in one of the possible ways that there is nothing to say."""
    if way == "204":
        return Answer(204)
    if way == "404":
        return error(404, "No records found.")
    return Answer(200, b"" if way == "empty-body" else way.encode())


def retry_after(wait: float, style: RetryAfter, clock_ahead: float = 0) -> str:
    """Spell how many seconds to wait, or until when."""
    if style == "date":
        # A date has no fractions; rounded down, it would let the client come too early.
        return formatdate(math.ceil(time.time() + clock_ahead + wait), usegmt=True)
    return str(math.ceil(wait))


class Refusal(Exception):
    """A question that gets an error for an answer."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.answer = error(status, message, code)
