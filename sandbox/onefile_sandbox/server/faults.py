"""Faults on demand: what goes wrong, at which calls, how often."""

from __future__ import annotations

import re
import time
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onefile_sandbox.api.behaviour import RetryAfter
    from onefile_sandbox.api.routes import Route

KINDS = {
    "status": "answers `status`, with a `body` of json, html, nothing or just what it says, `code` and `message`, and"
    " with Retry-After if `retry_after` is given (as `retry_after_style` says, by a clock `clock_ahead` seconds ahead)",
    "reset": "resets the connection instead of answering",
    "close": "closes the connection instead of answering",
    "cut": "announces the whole answer (as `framing` and `encoding` say), sends half of the body, or `at` so many bytes"
    " of it, and closes the connection",
    "malformed": "breaks the body off after two thirds (of what `encoding` makes of it), or `at` so many bytes",
    "html": "answers 200 with a web page",
    "hang": "never answers",
    "slow": "answers after `seconds`",
    "expire": "lets every session die, and says so to this call",
    "repeat-page": "answers a page from the second on with the rows of the page before it",
    "moving-row": "puts a new row in front of the list after the first page, so that every later"
    " page begins one row earlier; lasts, whatever `times` says",
    "redirect": "answers 302 to `location`",
    "wrong-shape": "answers an object where a list is due, and the other way round",
    "empty-200": "answers 200 with nothing",
    "garbled": "says that the body is compressed, which it is not",
    "trickle": "sends a blank of the body now and then, and never comes to its end",
    "trickling-header": "sends a letter of a header now and then, and never comes to its end",
    "mangled-header": "sends a line among the headers that is none, and closes the connection",
    "informational": "sends an informational answer before the real one: `status`, or 103",
    "informational-only": "sends one and closes the connection",
    "bomb": "sends a small compressed body that unpacks without end",
    "reframed": "sends the answer whole, its end known by its `framing`, packed by its `encoding`",
    "stray": "sends a second answer after the first, though nothing more was asked",
    "lacking-rows": "leaves the last `rows` rows of a list out",
    "capped": "cuts what a search gives at once down to `rows` rows; two of them make a cap that changes",
    "odd-value": "puts the text `value`, in Latin-1, in the place of the first value of `name` in the body",
    "other-question": "answers what would be asked by the parameters `instead`, or by the `id` in it; null is none",
}

BREAKING = frozenset(
    {"reset", "close", "hang", "trickle", "trickling-header", "mangled-header", "informational-only", "bomb"}
)
"""Kinds by which a call gets no whole answer."""

REPLACING = BREAKING | {"status", "html", "expire", "redirect", "empty-200"}
"""Kinds that take the answer's place, so that a call can have only one of them."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        kind: What goes wrong: one of KINDS, which name the other attributes that they heed.
        match: A regular expression that is looked for in "METHOD route", for example
            "POST /User/Search/{page}/{size}", whatever the case; every call by default.
        page: Only this page of a search.
        where: Only calls whose body has these parameters, for example {"Role": 1}.
        share: Only this share of the paths, always the same ones.
        after: How many matching calls are let through first.
        times: At how many calls it happens; None is for ever.
        within: Seconds from the first time on after which it happens no more; None is for ever.
        at: Bytes; negative ones count from the end.
    """

    kind: str
    _: KW_ONLY
    match: str = ""
    page: int | None = None
    where: Mapping[str, object] = field(default_factory=dict)
    share: float = 1.0
    after: int = 0
    times: int | None = 1
    within: float | None = None
    status: int = 500
    body: Literal["json", "html", "empty", "[]", "null", '""'] = "json"
    code: int | None = None
    message: str = "An error has occurred."
    retry_after: float | None = None
    retry_after_style: RetryAfter = "seconds"
    clock_ahead: float = 0.0
    seconds: float = 1.0
    location: str = "http://elsewhere.invalid/"
    framing: Literal["length", "chunk", "close"] = "length"
    encoding: Literal["identity", "gzip", "deflate"] = "identity"
    at: int | None = None
    rows: int = 1
    name: str = ""
    value: str = "NaN"
    instead: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a fault that could never happen."""
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"match is no regular expression: {error}") from error

    def matches(self, route: Route, path: str, body: Mapping[str, Any]) -> bool:
        """Return whether the fault is for a call, given its parameters by lower-case name."""
        if not re.search(self.match, route.name, re.IGNORECASE):
            return False
        if self.page not in {None, route.page} or crc32(path.encode()) % 100 >= self.share * 100:
            return False
        return all(str(body.get(name.lower())) == str(value) for name, value in self.where.items())


@dataclass
class _Armed:
    """A fault, and how far it has got."""

    fault: Fault
    seen: int = 0
    used: int = 0
    since: float = 0.0
    is_over: bool = False
    """Whether a call went well after the last at which it happened."""

    @property
    def is_due(self) -> bool:
        """Whether it happens at the call that was just seen."""
        fault = self.fault
        lasts = fault.times is None or fault.kind == "moving-row"
        if self.used and fault.within is not None and time.monotonic() > self.since + fault.within:
            return False
        return self.seen > fault.after and (lasts or self.used < (fault.times or 0))


class Faults:
    """All faults that are still to happen, in the order in which they were added."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Add one."""
        self._armed = [*self._armed, _Armed(fault)]

    def clear(self) -> None:
        """Forget all of them."""
        self._armed = []

    def over(self) -> list[Fault]:
        """Give those that have happened and do so no more, as calls have shown."""
        return [armed.fault for armed in self._armed if armed.is_over]

    def due(self, route: Route, path: str, body: Mapping[str, Any]) -> list[Fault]:
        """Take the faults that happen at a call; at most one of them takes the answer's place."""
        due: list[Fault] = []
        replaced = False
        for armed in self._armed:
            fault = armed.fault
            if not fault.matches(route, path, body):
                continue
            armed.seen += 1
            armed.is_over = armed.used > 0 and not armed.is_due
            if not armed.is_due or (replaced and fault.kind in REPLACING):
                continue
            if fault.kind in {"repeat-page", "moving-row"} and (route.page or 0) <= 1:
                continue
            armed.since = armed.since if armed.used else time.monotonic()
            armed.used += 1
            replaced = replaced or fault.kind in REPLACING
            due.append(fault)
        return due
