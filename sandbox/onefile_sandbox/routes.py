"""What a call asks for, told from its method and path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

PREFIX = "/api/v2.1"

_Kind = Literal["login", "customer", "search", "read", "write", "unknown"]

_ENTITIES = {
    name.lower(): name
    for name in (
        "Classroom", "FrameworkTemplate", "LearningAim", "Organisation", "Placement", "Plan",
        "Provider", "Review", "Standard", "Timesheet", "Unit", "UnitSummary", "User", "Visit",
    )
}  # fmt: skip
_WORDS = {
    word.lower(): word
    for word in (
        "Archive", "Assign", "AssignedStandards", "AssignPlacement", "Learner",
        "LearnerStatuses", "LearningAimStatuses", "OffTheJob", "Search", "Unarchive", "UnitSummary",
    )
}  # fmt: skip
_SEARCH_AND_PAGE = 4
_MOST_DIGITS = 18


@dataclass(frozen=True)
class Route:
    """What a call asks for.

    Attributes:
        name: The method and the path without the numbers in it.
        kind: What sort of call it is.
        entity: The entity's name as OneFile spells it.
        record_id: The id asked for.
        page: The page asked for.
        size: The page size asked for.
    """

    name: str
    kind: _Kind
    entity: str = ""
    record_id: int = 0
    page: int | None = None
    size: int = 0


_FIXED: dict[tuple[str, ...], Route] = {
    ("POST", "authentication"): Route("POST /Authentication", "login"),
    ("GET", "customer"): Route("GET /Customer", "customer"),
}


@lru_cache(maxsize=8192)
def parse(method: str, path: str) -> Route:
    """Tell what a call asks for. Case and a slash at the end of the path do not matter.

    Args:
        method: The HTTP method, in capitals.
        path: The path, from the root of the host.

    Returns:
        The route; never an error, since what is not known is "unknown".
    """
    before, prefix, after = path.lower().partition(f"{PREFIX}/")
    segments = after.strip("/").split("/") if prefix and not before else [""]
    fixed = _FIXED.get((method, *segments))
    if fixed:
        return fixed
    entity = _ENTITIES.get(segments[0])
    if not entity:
        # The words of an unknown path may be anything, a person's name included.
        return Route(f"{method} /{{other}}", "unknown")
    if segments[1:2] == ["search"]:
        return _search(method, entity, segments)
    return _other(method, entity, segments)


def _other(method: str, entity: str, segments: list[str]) -> Route:
    name = "/".join([f"{method} /{entity}", *map(_general, segments[1:])])
    if method not in {"GET", "HEAD", "OPTIONS"}:
        return Route(name, "write", entity)
    if method == "GET" and len(segments) == len(("entity", "id")) and _is_number(segments[1]):
        return Route(name, "read", entity, record_id=int(segments[1]))
    return Route(name, "unknown", entity)


def _search(method: str, entity: str, segments: list[str]) -> Route:
    plain = f"{method} /{entity}/Search"
    if method == "POST" and len(segments) == len(("entity", "search")):
        return Route(plain, "search", entity)
    numbers = segments[2:]
    if len(segments) == _SEARCH_AND_PAGE and all(map(_is_number, numbers)) and method == "POST":
        page, size = map(int, numbers)
        return Route(f"{plain}/{{page}}/{{size}}", "search", entity, page=page, size=size)
    return Route(f"{plain}/{{other}}", "unknown", entity)


def _general(segment: str) -> str:
    if _is_number(segment):
        return "{id}"
    return _WORDS.get(segment, "{other}")


def _is_number(segment: str) -> bool:
    return segment.isdecimal() and len(segment) <= _MOST_DIGITS
