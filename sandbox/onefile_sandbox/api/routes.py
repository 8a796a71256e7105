"""What a call asks for, by its method and path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from onefile_sandbox.world.entities import ENTITIES, PARTS

if TYPE_CHECKING:
    from onefile_sandbox.world.table import Key

PREFIX = "/api/v2.1"

WRITE_ONLY = {"Visit"} - ENTITIES.keys()
"""Entities that calls can change, and of which the sandbox has no records."""
_ENTITIES = {name.lower(): name for name in (*ENTITIES, *(entity for entity, _ in PARTS), *WRITE_ONLY)}
_WRITING = ("Archive", "Assign", "AssignPlacement", "Unarchive")
_WORDS = {word.lower(): word for word in ("Search", *_WRITING, *(word for _, word in PARTS))}
# Their ids are texts, in which case may matter and a slash may stand.
_TEXT_IDS = frozenset({"Unit"})
# `Timesheet/Learner/{id}`, where others have the id before the word.
_WORD_FIRST = frozenset({"Timesheet"})
_MOST_DIGITS = 18


@dataclass(frozen=True)
class Route:
    """What a call asks for; its name is the method and the path without the numbers in it."""

    name: str
    kind: Literal["login", "customer", "search", "read", "part", "write", "unknown"]
    entity: str = ""
    record_id: Key = 0
    word: str = ""
    page: int | None = None
    size: int = 0


@lru_cache(maxsize=8192)
def parse(method: str, path: str) -> Route:
    """Return what a call asks for. Case and a slash at the end of the path do not matter."""
    if not path.lower().startswith(f"{PREFIX}/"):
        return Route(f"{method} /{{other}}", "unknown")
    # Split before it is decoded: an id may hold a slash, which is then encoded.
    sent = [unquote(segment) for segment in path[len(PREFIX) :].strip("/").split("/")]
    first, *others = (segment.lower() for segment in sent)
    if first in _ENTITIES:
        return _of_entity(method, _ENTITIES[first], others, sent[-1])
    match method, first, others:
        case "POST", "authentication", []:
            return Route("POST /Authentication", "login")
        case "GET", "customer", []:
            return Route("GET /Customer", "customer")
    # The words of an unknown path may be anything, a person's name included.
    return Route(f"{method} /{{other}}", "unknown")


def _of_entity(method: str, entity: str, segments: list[str], last_sent: str) -> Route:
    name = "/".join([f"{method} /{entity}", *map(_general, segments)])
    match method, *segments:
        case "POST", "search":
            return Route(name, "search", entity)
        case "POST", "search", page, size if _is_number(page) and _is_number(size):
            return Route(f"POST /{entity}/Search/{{page}}/{{size}}", "search", entity, page=int(page), size=int(size))
        case _, "search", *_:
            return Route(f"{method} /{entity}/Search/{{other}}", "unknown", entity)
        case "GET", record_id if entity in _TEXT_IDS or _is_number(record_id):
            key = last_sent if entity in _TEXT_IDS else int(record_id)
            return Route(f"GET /{entity}/{{id}}", "read", entity, record_id=key)
        case "GET", one, other:
            record_id, word = (other, one) if entity in _WORD_FIRST else (one, other)
            if _is_number(record_id) and word in _WORDS:
                return Route(name, "part", entity, record_id=int(record_id), word=_WORDS[word])
    return Route(name, "unknown" if method in {"GET", "HEAD", "OPTIONS"} else "write", entity)


def _general(segment: str) -> str:
    if _is_number(segment):
        return "{id}"
    return _WORDS.get(segment, "{other}")


def _is_number(segment: str) -> bool:
    return segment.isdecimal() and len(segment) <= _MOST_DIGITS
