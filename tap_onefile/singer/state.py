"""The state: what a user has passed is tidied, and the bookmarks are kept and written by organisation.

The SDK keeps them in a list, which it searches several times for each organisation and writes as a whole after each, so
that messages and processor time would grow with the square of their number.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._state import StateWriter
from singer_sdk.singerlib import StateMessage
from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

from tap_onefile.errors import SettingsError
from tap_onefile.records.convert import to_integer, to_timestamp
from tap_onefile.singer.catalog import near, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.helpers.types import Context, TapState

    from tap_onefile.singer.catalog import Known
    from tap_onefile.singer.writer import BufferedWriter

    State = dict[str, Any]

logger = logging.getLogger("tap-onefile")

_BOOKMARKS, _KEY, _ORGANISATIONS = "bookmarks", "replication_key", "organisations"
_PARTITIONS, _CONTEXT, _VALUE = "partitions", "context", "replication_key_value"
"""The list that the SDK, and so our older states, have in place of the bookmarks by organisation."""
_OWNER = "OrganisationID"
_LIMITS, _THIN = "limits", "thin"
"""What limited the run that set the bookmark of an organisation: its start_date, and whether it did without details.

It is there even if it is empty, as states may be merged.
"""
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
    """Return a state that the SDK can resume from, with a warning for whatever is ignored.

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
        found: dict[int, str] = {}
        for partition in (*partitions, *ours):
            if (owner := self._owner(partition)) is None:
                continue
            value = self._value(partition, owner)
            if owner in found:
                logger.warning(
                    "The state has two bookmarks of %s for organisation %d; the older one counts", self.name, owner
                )
                value = min(value, found[owner])
            found[owner] = value
        kept = {str(owner): value for owner, value in found.items() if value}
        limits = bookmark.get(_LIMITS)
        noted: State = {}
        if isinstance(limits, dict) and limits:
            noted = {_LIMITS: {owner: str(limits[owner]) for owner in kept if owner in limits}}
        return {_KEY: self.key, _ORGANISATIONS: kept, **noted} if kept else {}

    def _owner(self, partition: State) -> int | None:
        context = partition.get(_CONTEXT)
        try:
            return to_integer(context[_OWNER] if isinstance(context, dict) else None)
        except (KeyError, ValueError):
            logger.warning(
                "The state has a bookmark of %s without an OrganisationID in its context; it is ignored", self.name
            )
            return None

    def _value(self, partition: State, owner: int) -> str:
        """Return the bookmark of an organisation; empty where it must be read again."""
        value = partition.get(_VALUE)
        if value is None:
            return ""
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
            return ""
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
    """The bookmarks of one stream, by organisation. What the SDK notes of a context is not kept."""

    _limits: str | None = None

    @override
    def get_context_state(self, context: Context | None) -> State:
        return {} if self.get_state_partition_context(context) else self.stream_state

    @override
    def write_starting_replication_value(self, *_args: Any, **_options: Any) -> None:
        """Do nothing: the stream knows where it begins."""

    @override
    def increment_state(self, *_args: Any, **_options: Any) -> None:
        """Do nothing: the stream sets its bookmark itself, when all that it stands for has been sent."""

    def get(self, context: Context, key: str) -> object:
        """Return the bookmark that an earlier run left for an organisation."""
        state = self.stream_state
        return state.get(_ORGANISATIONS, {}).get(str(context[_OWNER])) if state.get(_KEY) == key else None

    def set(self, context: Context, key: str, value: str) -> None:
        """Set the bookmark of an organisation, of which everything has been sent.

        The SDK's own would go back when everything read is older than before, and stand still for records without a
        timestamp.
        """
        self.stream_state[_KEY] = key
        self.stream_state.setdefault(_ORGANISATIONS, {})[str(context[_OWNER])] = value
        if self._limits is not None:
            self.stream_state.setdefault(_LIMITS, {})[str(context[_OWNER])] = self._limits

    def limit(self, start_date: str | None, *, is_thin: bool, was_thin: bool) -> bool:
        """Note what limits this run, and forget the bookmarks of runs that were limited more; return if there were any.

        What these left out is older than their bookmarks, or thinner than records are now. `was_thin` counts where a
        version before noted nothing.
        """
        since = start_date or ""
        self._limits = f"{since} {_THIN}".strip() if is_thin else since
        values, limits = self.stream_state.get(_ORGANISATIONS, {}), self.stream_state.get(_LIMITS, {})
        before = {owner: limits.get(owner, _THIN if was_thin else "") for owner in values}
        forgotten = [
            owner
            for owner, limit in before.items()
            if limit.removesuffix(_THIN).strip() > since or (limit.endswith(_THIN) and not is_thin)
        ]
        for owner in forgotten:
            del values[owner]
        return bool(forgotten)

    @property
    def is_empty(self) -> bool:
        """Whether there is no bookmark."""
        return not self.stream_state.get(_ORGANISATIONS)

    def clear(self) -> None:
        """Forget all bookmarks."""
        self.stream_state.clear()


class RareStateWriter(StateWriter):
    """Writes a state where that costs little beside the records since the last one, and at the end of the run.

    A state covers what was sent before it, so that one that comes late is no less true.
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
        # With bookmarks even if nothing was read.
        value = {_BOOKMARKS: {}, **copy.deepcopy(state)}
        before = self._writer.written
        if value != self._last:
            self._writer.write_message(StateMessage(value=value))
            self._last = value
            self._size = self._writer.written - before
        self._written = self._writer.written
