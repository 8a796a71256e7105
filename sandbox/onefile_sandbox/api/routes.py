"""What a call asks for, by its method and path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from onefile_sandbox.world.entities import ENTITIES, PARTS

if TYPE_CHECKING:
    from onefile_sandbox.world.rows import Key

PREFIX = "/api/v2.1"

_Kind = Literal["login", "customer", "search", "read", "part", "write", "unknown"]

WRITE_ONLY = {"Visit"} - ENTITIES.keys()
"""Entities that calls can change, and of which the sandbox has no records."""
_ENTITIES = {name.lower(): name for name in (*ENTITIES, *(entity for entity, _ in PARTS), *WRITE_ONLY)}
_WRITING = ("Archive", "Assign", "AssignPlacement", "Unarchive")
_WORDS = {word.lower(): word for word in ("Search", *_WRITING, *(word for _, word in PARTS))}
# Their ids are texts, in which case may matter and a slash may stand.
_TEXT_IDS = frozenset({"Unit"})
# `Timesheet/Learner/{id}`, where others have the id before the word.
_WORD_FIRST = frozenset({"Timesheet"})
_SEARCH_AND_PAGE = 4
_MOST_DIGITS = 18


@dataclass(frozen=True)
class Route:
    """What a call asks for; its name is the method and the path without the numbers in it."""

    name: str
    kind: _Kind
    entity: str = ""
    record_id: Key = 0
    word: str = ""
    page: int | None = None
    size: int = 0


_FIXED: dict[tuple[str, ...], Route] = {
    ("POST", "authentication"): Route("POST /Authentication", "login"),
    ("GET", "customer"): Route("GET /Customer", "customer"),
}


@lru_cache(maxsize=8192)
def parse(method: str, path: str) -> Route:
    """Return what a call asks for. Case and a slash at the end of the path do not matter."""
    before, prefix, after = path.lower().partition(f"{PREFIX}/")
    if before or not prefix:
        return Route(f"{method} /{{other}}", "unknown")
    # Split before it is decoded: an id may hold a slash, which is then encoded.
    sent = [unquote(segment) for segment in path[-len(after) :].strip("/").split("/")]
    segments = [segment.lower() for segment in sent]
    fixed = _FIXED.get((method, *segments))
    if fixed:
        return fixed
    entity = _ENTITIES.get(segments[0])
    if not entity:
        # The words of an unknown path may be anything, a person's name included.
        return Route(f"{method} /{{other}}", "unknown")
    if segments[1:2] == ["search"]:
        return _search(method, entity, segments)
    if method == "GET" and entity in _TEXT_IDS and len(segments) == len(("entity", "id")):
        return Route(f"GET /{entity}/{{id}}", "read", entity, record_id=sent[1])
    return _other(method, entity, segments)


def _other(method: str, entity: str, segments: list[str]) -> Route:
    name = "/".join([f"{method} /{entity}", *map(_general, segments[1:])])
    if method not in {"GET", "HEAD", "OPTIONS"}:
        return Route(name, "write", entity)
    ids = [int(segment) for segment in segments[1:] if _is_number(segment)]
    words = [_WORDS[segment] for segment in segments[1:] if segment in _WORDS]
    if method == "GET" and len(ids) == 1 and len(segments) == len(("entity", *ids, *words)):
        if not words:
            return Route(name, "read", entity, record_id=ids[0])
        if len(words) == 1 and (segments[1] in _WORDS) == (entity in _WORD_FIRST):
            return Route(name, "part", entity, record_id=ids[0], word=words[0])
    return Route(name, "unknown", entity)


def _search(method: str, entity: str, segments: list[str]) -> Route:
    plain = f"{method} /{entity}/Search"
    if method == "POST" and len(segments) == len(("entity", "search")):
        return Route(plain, "search", entity)
    hasher = segments[2:]
    if len(segments) == _SEARCH_AND_PAGE and all(map(_is_number, hasher)) and method == "POST":
        page, size = map(int, hasher)
        return Route(f"{plain}/{{page}}/{{size}}", "search", entity, page=page, size=size)
    return Route(f"{plain}/{{other}}", "unknown", entity)


def _general(segment: str) -> str:
    if _is_number(segment):
        return "{id}"
    return _WORDS.get(segment, "{other}")


def _is_number(segment: str) -> bool:
    return segment.isdecimal() and len(segment) <= _MOST_DIGITS
