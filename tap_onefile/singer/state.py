"""A state of the user's: unwrapped, and without what the SDK or a run could not go on from."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import SettingsError
from tap_onefile.records.convert import to_integer, to_timestamp
from tap_onefile.singer.catalog import near, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_onefile.singer.catalog import Known

    State = dict[str, Any]

logger = logging.getLogger("tap-onefile")

_BOOKMARKS, _PARTITIONS, _CONTEXT = "bookmarks", "partitions", "context"
_KEY, _VALUE, _MARKERS = "replication_key", "replication_key_value", "progress_markers"
_OWNER = "OrganisationID"
_ORGANISATIONS = "organisations"
"""Our own name for the bookmarks of a stream by organisation; the SDK, and so our states of before, have a list."""
_WRAPPERS = ("singer_state", "completed", "value")
"""Around a state: in what Meltano exports and keeps, and in a STATE message."""


def unwrapped(state: object) -> State:
    """Return the state in what a user has passed. Raises `SettingsError` where there is none."""
    found = state
    while isinstance(found, dict) and found and _BOOKMARKS not in found:
        inner = next((found[name] for name in _WRAPPERS if isinstance(found.get(name), dict)), None)
        if inner is None:
            break
        found = inner
    if found is None or found == {}:
        return {}
    if not isinstance(found, dict) or not isinstance(found.get(_BOOKMARKS), dict):
        raise SettingsError(
            "The file passed to --state is not a Singer state: keep only the last line that the target wrote, which"
            ' begins with {"bookmarks":, or leave it out to read everything.'
        )
    return found


def tidied(state: object, streams: Mapping[str, Known], began: str) -> State:
    """Return a state as the SDK can go on from, with a warning for all that it does not go on from.

    Args:
        state: As it was passed.
        streams: What the tap knows of its streams.
        began: The start of the run, which no bookmark passes.
    """
    found = unwrapped(state)
    tidy: State = {}
    for name, bookmark in found.get(_BOOKMARKS, {}).items():
        if not isinstance(bookmark, dict):
            raise _no_state_of(shown(name))
        if name not in streams:
            logger.warning(
                "The state has a bookmark of %s, a stream that tap-onefile does not have; it is ignored.%s",
                shown(name),
                near(name, streams),
            )
            continue
        key = streams[name].replication_key
        tidy[name] = _Bookmark(name, key, began).tidied(bookmark) if key else {}
    return {**found, _BOOKMARKS: tidy} if found else {}


def bookmarks(state: Mapping[str, Any]) -> Iterator[str]:
    """Yield the timestamps that a tidied state goes on from."""
    for bookmark in state.get(_BOOKMARKS, {}).values():
        for partition in bookmark.get(_PARTITIONS, ()):
            if value := partition.get(_VALUE):
                yield value


def _no_state_of(stream: str) -> SettingsError:
    return SettingsError(
        f"The state of {stream} is not in Singer's form. Pass the last line that the target wrote, unchanged, or leave"
        " it out to read everything."
    )


class _Bookmark:
    """The bookmarks of one stream."""

    def __init__(self, stream: str, key: str, began: str) -> None:
        self.stream = stream
        self.key = key
        self.began = began

    def tidied(self, bookmark: State) -> State:
        """Return it with one bookmark for each organisation: the older one where there are two."""
        if _VALUE in bookmark:
            logger.warning(
                "The state has one bookmark for all of %s, and not one for each organisation; everything is read again",
                self.stream,
            )
        partitions = bookmark.get(_PARTITIONS, [])
        if not isinstance(partitions, list) or not all(isinstance(each, dict) for each in partitions):
            raise _no_state_of(self.stream)
        if not isinstance(values := bookmark.get(_ORGANISATIONS, {}), dict):
            raise _no_state_of(self.stream)
        key = bookmark.get(_KEY, self.key)
        ours = ({_CONTEXT: {_OWNER: owner}, _KEY: key, _VALUE: value} for owner, value in values.items())
        found: dict[int, State] = {}
        for partition in (*partitions, *ours):
            if (owner := self._owner(partition)) is None:
                continue
            value = self._value(partition, owner)
            if owner in found:
                logger.warning(
                    "The state has two bookmarks of %s for organisation %d; the older one counts", self.stream, owner
                )
                value = min(value or "", found[owner].get(_VALUE, ""))
            found[owner] = {_CONTEXT: {_OWNER: owner}, **({_KEY: self.key, _VALUE: value} if value else {})}
        return {_PARTITIONS: list(found.values())} if found else {}

    def _owner(self, partition: State) -> int | None:
        context = partition.get(_CONTEXT)
        try:
            return to_integer(context[_OWNER] if isinstance(context, dict) else None)
        except (KeyError, ValueError):
            logger.warning(
                "The state has a bookmark of %s without an OrganisationID in its context; it is ignored",
                self.stream,
            )
            return None

    def _value(self, partition: State, owner: int) -> str | None:
        value = partition.get(_VALUE)
        if value is None:
            return None
        try:
            timestamp = to_timestamp(value)
        except ValueError:
            timestamp = ""
        if not timestamp or partition.get(_KEY, self.key) != self.key:
            logger.warning(
                "The bookmark of %s for organisation %d is no timestamp of %s; everything is read again",
                self.stream,
                owner,
                self.key,
            )
            return None
        if timestamp > self.began:
            logger.warning(
                "The bookmark of %s for organisation %d is later than the start of this run, and is taken back to it;"
                " if you are not sure that everything before it was read, run once with --full-refresh or without"
                " --state",
                self.stream,
                owner,
            )
        return min(timestamp, self.began)
