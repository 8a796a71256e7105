"""The state: as a user passes it, as a run keeps it, and as a STATE message spells it.

The SDK keeps the bookmarks of all organisations in a list, which it searches several times for each organisation and
writes as a whole after each, so that messages and processor time would grow with the square of their number. Whatever
we rely on that the SDK does not promise has a test in ``tests/unit/test_sdk_assumptions.py``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._state import StateWriter
from singer_sdk.singerlib import StateMessage
from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

from tap_onefile.errors import SettingsError
from tap_onefile.records.convert import to_integer, to_timestamp
from tap_onefile.singer.catalog import near, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.helpers.types import Context, TapState

    from tap_onefile.singer.catalog import Known
    from tap_onefile.singer.writer import BufferedWriter

    State = dict[str, Any]

logger = logging.getLogger("tap-onefile")

# The SDK's names in a state.
_BOOKMARKS, _PARTITIONS, _CONTEXT = "bookmarks", "partitions", "context"
_KEY, _VALUE = "replication_key", "replication_key_value"
_OWNER = "OrganisationID"
_ORGANISATIONS = "organisations"
"""Our name for the bookmarks by organisation, in STATE messages; the SDK, and so our states of before, have a list."""
_WRAPPERS = ("singer_state", "completed", "value")
"""Around a state: in what Meltano exports and keeps, and in a STATE message."""
_RECORDS_FOR_A_STATE = 50
"""How many times its own size must have been written before a state may interrupt the records."""


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

    No bookmark in it passes the start of the run.
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
        tidy[name] = _Stream(name, key, began).tidied(bookmark) if key else {}
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


@dataclass(frozen=True)
class _Stream:
    """A stream whose bookmarks are tidied."""

    name: str
    key: str
    began: str

    def tidied(self, bookmark: State) -> State:
        """Return one bookmark for each organisation: the older one where there are two."""
        if _VALUE in bookmark:
            logger.warning(
                "The state has one bookmark for all of %s, and not one for each organisation; everything is read again",
                self.name,
            )
        partitions, values = bookmark.get(_PARTITIONS, []), bookmark.get(_ORGANISATIONS, {})
        is_list = isinstance(partitions, list) and all(isinstance(each, dict) for each in partitions)
        if not is_list or not isinstance(values, dict):
            raise _no_state_of(self.name)
        key = bookmark.get(_KEY, self.key)
        ours = ({_CONTEXT: {_OWNER: owner}, _KEY: key, _VALUE: value} for owner, value in values.items())
        found: dict[int, State] = {}
        for partition in (*partitions, *ours):
            if (owner := self._owner(partition)) is None:
                continue
            value = self._value(partition, owner)
            if owner in found:
                logger.warning(
                    "The state has two bookmarks of %s for organisation %d; the older one counts", self.name, owner
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
                "The state has a bookmark of %s without an OrganisationID in its context; it is ignored", self.name
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
                self.name,
                owner,
                self.key,
            )
            return None
        if timestamp > self.began:
            logger.warning(
                "The bookmark of %s for organisation %d is later than the start of this run, and is taken back to it;"
                " if you are not sure that everything before it was read, run once with --full-refresh or without"
                " --state",
                self.name,
                owner,
            )
        return min(timestamp, self.began)


class Bookmarks(StreamStateManager):
    """The bookmarks of one stream, found by their organisation. What the SDK notes of a context is not kept."""

    @override
    def get_context_state(self, context: Context | None) -> State:
        part = self.get_state_partition_context(context)
        if not part:
            return self.stream_state
        return self._partitions.get(part[_OWNER], {_CONTEXT: dict(part)})

    @cached_property
    def _partitions(self) -> dict[int, State]:
        return {each[_CONTEXT][_OWNER]: each for each in self._listed if _VALUE in each}

    @property
    def _listed(self) -> list[State]:
        listed: list[State] = self.stream_state.setdefault(_PARTITIONS, [])
        return listed

    @override
    def write_starting_replication_value(self, *_args: Any, **_options: Any) -> None:
        """Do nothing: the stream knows where it begins."""

    @override
    def increment_state(self, *_args: Any, **_options: Any) -> None:
        """Do nothing: the stream sets its bookmark itself, when all that it stands for has been sent."""

    def get(self, context: Context, key: str) -> object:
        """Return the bookmark that an earlier run left for a context."""
        state = self.get_context_state(context)
        return state.get(_VALUE) if state.get(_KEY) == key else None

    def set(self, context: Context, key: str, value: str) -> None:
        """Set the bookmark of a context, of which everything has been sent.

        The SDK's own would go back when everything read is older than before, and stand still for records without a
        timestamp.
        """
        state = self.get_context_state(context)
        if _VALUE not in state:
            self._listed.append(state)
            self._partitions[state[_CONTEXT][_OWNER]] = state
        state.update({_KEY: key, _VALUE: value})

    @property
    def is_empty(self) -> bool:
        """Whether there is no bookmark."""
        return not self._partitions

    def clear(self) -> None:
        """Forget all bookmarks."""
        self.stream_state.clear()
        self._partitions.clear()


class RareStateWriter(StateWriter):
    """Writes a state where that costs little beside the records since the last one, and at the end of the run.

    A state tells what has been sent before it, so that one that comes late is no less true.
    """

    def __init__(self, writer: BufferedWriter) -> None:
        super().__init__(writer)
        self._writer = writer
        self._last: State | None = None
        self._size = self._written = 0

    @override
    def write_state(self, state: TapState) -> None:
        """Write a state, unless it would cost too much now; what is before it is written anyway."""
        if self._writer.written - self._written >= _RECORDS_FOR_A_STATE * self._size:
            self.finish(state)
        else:
            self._writer.flush()

    def finish(self, state: TapState) -> None:
        """Write a state if it differs from the last one."""
        compact = _compact(state)
        before = self._writer.written
        if compact != self._last:
            self._writer.write_message(StateMessage(value=compact))
            self._last = compact
            self._size = self._writer.written - before
        self._written = self._writer.written


def _compact(state: Mapping[str, Any]) -> State:
    """Return a state as it is sent, with no more than a line for each bookmark."""
    return {**state, _BOOKMARKS: {name: _compacted(each) for name, each in state.get(_BOOKMARKS, {}).items()}}


def _compacted(bookmark: State) -> State:
    rest = {name: value for name, value in bookmark.items() if name != _PARTITIONS}
    kept = [each for each in bookmark.get(_PARTITIONS, ()) if _VALUE in each]
    values = {str(each[_CONTEXT][_OWNER]): each[_VALUE] for each in kept}
    return {**rest, _KEY: kept[0][_KEY], _ORGANISATIONS: values} if kept else rest
