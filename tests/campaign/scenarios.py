"""What may go wrong, where, and for how long; drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from random import Random
from typing import Any

SHAPES = {
    "login": r"POST /Authentication",
    "object": r"GET /Customer",
    "organisations": r"POST /Organisation/Search",
    "search": r"POST /(User|Classroom|Placement|Standard|LearningAim|Review)/Search",
    "search of users": r"POST /User/Search",
    "page": r"POST /\w+/Search/",
    "unpaged search": r"POST /\w+/Search$",
    "look-up": r"GET /Organisation/{id}/LearnerStatuses",
    "detail": r"GET /Review/{id}",
    "object of each learner": r"GET /User/{id}/OffTheJob",
    "list of each learner": r"GET /Timesheet/Learner/{id}",
    "any call": r"",
}
"""The shapes that a stream can have, as routes of the sandbox."""

PAGED = ("organisations", "search", "search of users")
BY_ID = ("detail", "object of each learner", "list of each learner")

ENCODINGS = ("identity", "gzip", "deflate")
FRAMINGS = ("length", "chunk", "close")
NAMES = (
    "ID",
    "OrganisationID",
    "FirstName",
    "Name",
    "LastModified",
    "Progress",
    "PlannedOTJ",
    "ScheduledFor",
    "FromDate",
)
"""Fields that a value of may be odd."""

PASSING: dict[str, tuple[dict[str, Any], ...]] = {
    "status": (
        {"status": 500},
        {"status": 502, "body": "html"},
        {"status": 503, "body": "empty"},
        {"status": 503, "retry_after": 1},
        {"status": 503, "retry_after": 1, "retry_after_style": "date", "clock_ahead": 3600},
        {"status": 504},
        {"status": 408},
        {"status": 206, "body": "empty"},
        {"status": 200, "code": -57, "message": "Placement not found"},
        {"status": 429, "retry_after": 0},
        {"status": 429, "retry_after": 1},
        {"status": 429, "retry_after": 1, "retry_after_style": "date"},
        {"status": 429, "retry_after": 1, "retry_after_style": "date", "clock_ahead": 3600},
    ),
    "nothing": (
        {"status": 204, "body": "empty"},
        *({"status": 200, "body": body} for body in ("empty", "[]", "null", '""')),
        {"status": 204, "body": "empty", "within": 0.1},
    ),
    "not found": (
        {"status": 404},
        {"status": 404, "body": "html"},
        {"status": 404, "within": 0.1},
        {"status": 404, "within": 1.5},
    ),
    "reset": ({},),
    "close": ({},),
    "cut": tuple(
        {"framing": f, "encoding": e, "at": a} for f in FRAMINGS for e in ENCODINGS for a in (0, 1, 10, -4, -1, None)
    ),
    "malformed": (
        {},
        {"at": 1},
        {"at": -1},
        *({"encoding": e, "at": a} for e in ENCODINGS[1:] for a in (2, 10, -4, -1)),
    ),
    "garbled": ({},),
    "html": ({},),
    "wrong-shape": ({},),
    "hang": ({},),
    "trickle": ({},),
    "trickling-header": ({},),
    "mangled-header": ({},),
    "slow": ({"seconds": 0.2},),
    "expire": ({},),
    "repeat-page": ({},),
    "moving-row": ({},),
    "informational": tuple({"status": status} for status in (100, 101, 102, 103)),
    "informational-only": tuple({"status": status} for status in (100, 101, 102, 103)),
    "reframed": tuple({"framing": framing, "encoding": encoding} for framing in FRAMINGS for encoding in ENCODINGS),
    "stray": ({},),
    "bomb": ({},),
    "lacking-rows": ({"rows": 1}, {"rows": 2}),
    "capped": ({"rows": 1}, {"rows": 2}),
    "odd-value": tuple({"name": name, "value": value} for name in NAMES for value in ("NaN", "latin-1", "digits")),
    "other-question": tuple({"asks": asks} for asks in ("organisation", "no organisation", "role", "no role", "id")),
}
"""What a second try may mend."""

FINAL: dict[str, tuple[dict[str, Any], ...]] = {
    "status": (
        {"status": 400, "code": -11, "message": "Centre not found"},
        {"status": 401},
        {"status": 403, "body": "html"},
        {"status": 418},
    ),
    "redirect": ({},),
}
"""What is said once and for all."""

GONE = tuple({"status": status, "share": share} for status in (404, 400, 204) for share in (0.1, 0.3, 0.6, 1.0))
"""What is said for a share of the ids."""

TOO_MANY = 429
"""Of this and nothing else a run dies after a quarter of an hour: a unit test has the clock for that."""

STANDS_FOR: dict[str, str] = {"nothing": "status", "not found": "status", "gone": "status"}
"""Kinds of the sandbox's that ours are."""


@dataclass(frozen=True)
class Accident:
    """One fault of the sandbox.

    Attributes:
        kind: What goes wrong, in a word.
        details: What else there is to say of it, as `Fault` takes it.
        shape: Which calls it befalls, of SHAPES.
        page: Only this page of a search; 0 is the last one with rows, -1 the empty one after it, None every page.
        after: How many of these calls are let through first.
        times: How many calls it befalls; None is for ever.
        organisation: Only searches in this one, by its place; None is any.
    """

    kind: str
    details: tuple[tuple[str, Any], ...]
    shape: str
    page: int | None
    after: int
    times: int | None
    organisation: int | None = None

    @property
    def name(self) -> str:
        """What goes wrong, in a word or two."""
        shown = {"status", "body", "framing", "encoding", "name", "value", "asks", "share", "within"}
        return " ".join([self.kind, *(str(value) for name, value in self.details if name in shown)])

    @property
    def place(self) -> str:
        """Where in the run it happens, in words."""
        if self.page is not None:
            return {0: "last page", -1: "page after the last", 1: "first page"}.get(self.page, "page in the middle")
        if self.times is None:
            return "for ever"
        many = 2
        if self.times > many:
            return "many calls at once"
        return "in the middle" if self.after else "first call"

    @property
    def denies(self) -> bool:
        """Whether OneFile says for longer than it takes to ask again that it has none of something."""
        lasts = self.times != 1 and dict(self.details).get("within", 9) > 1
        return lasts and self.kind in {"not found", "gone"}


@dataclass(frozen=True)
class Scenario:
    """A run, and what goes wrong in it.

    Attributes:
        accidents: What goes wrong, mixed.
        learners: How many learners OneFile has.
        organisations: How many organisations they are in.
        page_size: The setting.
        parallel_requests: The setting.
        past_the_end: How OneFile says that a search is over.
        refusal: The status for a session that died.
        days: How many days after a good first run it is that things go wrong; 0 where the first run is the one.
        versions: The setting emit_activate_version_messages.
        cap: How many rows a page has at the most.
    """

    accidents: tuple[Accident, ...]
    learners: int
    organisations: int
    page_size: int
    parallel_requests: int
    past_the_end: str
    refusal: int
    days: int
    versions: bool
    cap: int | None


def accident(rng: Random) -> Accident:
    """Draw one accident."""
    kind = rng.choice([*PASSING, *FINAL, "gone", "nothing", "not found"])
    details = rng.choice(GONE if kind == "gone" else (*PASSING.get(kind, ()), *FINAL.get(kind, ())))
    shape = rng.choice([*SHAPES])
    page = rng.choice([None, 1, 1, 2, 2, 3, 0, -1]) if shape in PAGED else None
    organisation = rng.choice([None, None, 0, 1, 2]) if shape in PAGED[1:] else None
    after = rng.randint(0, 6) if page is None else 0
    lasts = "within" in details or (details.get("status") != TOO_MANY and not rng.randrange(4))
    times = None if lasts else rng.choice([1, 1, 2, 8])
    if kind == "gone":
        # A list that is empty for ever is an empty list.
        is_empty = details["status"] == HTTPStatus.NO_CONTENT
        shape, page, organisation, after, times = rng.choice(BY_ID[: -1 if is_empty else None]), None, None, 0, None
    elif kind == "lacking-rows":
        # Which page of users that is follows from how many there are: that their last one lacks some shows nowhere.
        shape = rng.choice(["search of users", "organisations", "unpaged search"])
        page = {"search of users": rng.randint(1, 3), "organisations": rng.choice([1, 2, 0])}.get(shape)
        organisation, times = None, times if page else rng.choice([None, 1, 2])
    elif kind == "capped":
        # A cap holds for all searches; a single page cut short once is as good as a search of so few rows.
        shape, page, organisation, after = rng.choice(["page", "unpaged search"]), None, None, 0
        times = rng.choice([None, 1, 3, 8, 20])
    elif kind == "nothing" and page is None:
        # Who says to every question that there is nothing has nothing, for all that anybody can find out.
        times = None if shape == "unpaged search" or "within" in details else 1
    elif kind == "other-question":
        shape, page = ("detail" if details["asks"] == "id" else "search of users"), None
        if "no " in str(details["asks"]) and rng.randrange(2):
            # A filter that makes no difference: rows that do not say whose they are show it only if that lasts.
            shape, organisation, after, times = "search", None, 0, None
    return Accident(kind, tuple(details.items()), shape, page, after, times, organisation)


def _mixed(drawn: list[Accident]) -> tuple[Accident, ...]:
    """Leave it to one accident to say that there is nothing, and if there are others, to say so once."""
    silent = [each for each in drawn if each.kind == "nothing"]
    others = [each for each in drawn if each.kind != "nothing"]
    return (*(replace(each, times=1) if others else each for each in silent[:1]), *others)


def scenario(rng: Random) -> Scenario:
    """Draw a scenario: one accident mostly, sometimes several."""
    return Scenario(
        accidents=_mixed([accident(rng) for _ in range(rng.choice([1, 1, 2, 3]))]),
        learners=rng.randint(3, 12),
        organisations=rng.randint(1, 5),
        page_size=rng.choice([2, 3, 100]),
        parallel_requests=rng.choice([1, 3, 8]),
        past_the_end=rng.choice(["204", "empty-body", "[]", "null", "404"]),
        refusal=rng.choice([401, 403]),
        days=rng.choice([0, 0, 3]),
        versions=rng.random() < 1 / 2,
        cap=rng.choice([None, None, None, 2, 5]),
    )


def draw(count: int, number: int) -> list[Scenario]:
    """Draw so many scenarios; the same number draws the same ones."""
    rng = Random(number)  # noqa: S311 - no secret
    return [scenario(rng) for _ in range(count)]
