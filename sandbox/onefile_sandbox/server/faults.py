"""Faults on demand: what goes wrong, at which calls, how often."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onefile_sandbox.api.behaviour import RetryAfter

Kind = Literal[
    "status", "reset", "close", "cut", "malformed", "html", "hang", "slow", "expire",
    "repeat-page", "moving-row", "redirect", "wrong-shape", "empty-200", "garbled", "trickle",
    "trickling-header", "mangled-header",
]  # fmt: skip

KINDS: dict[Kind, str] = {
    "status": "answers `status`, with a `body` of json, html or nothing, `code` and `message`, and"
    " with Retry-After if `retry_after` is given (as `retry_after_style` says)",
    "reset": "resets the connection instead of answering",
    "close": "closes the connection instead of answering",
    "cut": "announces the whole answer, sends half of it, and closes the connection",
    "malformed": "breaks the JSON off",
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
}

BREAKING: frozenset[Kind] = frozenset({"reset", "close", "hang", "trickle", "trickling-header", "mangled-header"})
"""Kinds by which a call gets no whole answer."""

REPLACING = BREAKING | frozenset[Kind]({"status", "html", "expire", "redirect", "empty-200"})
"""Kinds that take the answer's place, so that a call can have only one of them."""

_ON_LATER_PAGES: frozenset[Kind] = frozenset({"repeat-page", "moving-row"})


@dataclass(frozen=True)
class Fault:
    """One fault.

    A call that several faults match gets all of them, save that only one can take the answer's
    place: the first one added, and the others wait for the next call.

    Attributes:
        kind: What goes wrong.
        match: A regular expression that is looked for in "METHOD route", for example
            "POST /User/Search/{page}/{size}", whatever the case; every call by default.
        page: Only this page of a search.
        where: Only calls whose body has these parameters, for example {"Role": 1}.
        after: How many matching calls are let through first.
        times: At how many calls it happens; None is for ever.
        status: For "status": the status.
        body: For "status": the kind of body.
        code: For "status": OneFile's error code.
        message: For "status": OneFile's error message.
        retry_after: For "status": seconds to wait, sent as Retry-After.
        retry_after_style: For "status": the spelling of Retry-After.
        seconds: For "slow": how long.
        location: For "redirect": where to.
    """

    kind: Kind
    _: KW_ONLY
    match: str | None = None
    page: int | None = None
    where: Mapping[str, object] = field(default_factory=dict)
    after: int = 0
    times: int | None = 1
    status: int = 500
    body: Literal["json", "html", "empty"] = "json"
    code: int | None = None
    message: str = "An error has occurred."
    retry_after: float | None = None
    retry_after_style: RetryAfter = "seconds"
    seconds: float = 1.0
    location: str = "http://elsewhere.invalid/"

    def __post_init__(self) -> None:
        """Refuse a fault that could never happen."""
        if self.kind not in get_args(Kind):
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")
        try:
            re.compile(self.match or "")
        except re.error as error:
            raise ValueError(f"match is no regular expression: {error}") from error

    def matches(self, route: str, page: int | None, body: Mapping[str, Any]) -> bool:
        """Return whether the fault is for a call, given as "METHOD /route" and parameters by lower-case name."""
        if self.match is not None and not re.search(self.match, route, re.IGNORECASE):
            return False
        if self.page is not None and page != self.page:
            return False
        return all(str(body.get(name.lower())) == str(value) for name, value in self.where.items())


@dataclass
class _Armed:
    """A fault, and how far it has got."""

    fault: Fault
    seen: int = 0
    used: int = 0

    @property
    def is_due(self) -> bool:
        """Whether it happens at the call that was just seen."""
        fault = self.fault
        lasts = fault.times is None or fault.kind == "moving-row"
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

    def due(self, route: str, page: int | None, body: Mapping[str, Any]) -> list[Fault]:
        """Take the faults that happen at a call; at most one of them takes the answer's place."""
        due: list[Fault] = []
        replaced = False
        for armed in self._armed:
            fault = armed.fault
            if not fault.matches(route, page, body):
                continue
            armed.seen += 1
            if not armed.is_due or (replaced and fault.kind in REPLACING):
                continue
            if fault.kind in _ON_LATER_PAGES and (page or 0) <= 1:
                continue
            armed.used += 1
            replaced = replaced or fault.kind in REPLACING
            due.append(fault)
        return due
