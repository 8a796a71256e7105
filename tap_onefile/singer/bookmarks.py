"""The bookmarks of each organisation: how they are kept during a run, and how a STATE message spells them.

The SDK keeps them in a list, which it searches several times for each organisation and writes as a whole after each, so
that messages and processor time would grow with the square of their number. Whatever we rely on that the SDK does not
promise has a test in ``tests/unit/test_sdk_assumptions.py``.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._state import StateWriter
from singer_sdk.singerlib.encoding.simple import StateMessage
from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.helpers.types import Context, TapState

    from tap_onefile.singer.writer import BufferedWriter

    State = dict[str, Any]

# The SDK's names in a state.
_BOOKMARKS, _PARTITIONS, _CONTEXT = "bookmarks", "partitions", "context"
_KEY, _VALUE = "replication_key", "replication_key_value"
_OWNER = "OrganisationID"
_ORGANISATIONS = "organisations"
"""Our name for the bookmarks by organisation, in the STATE messages."""
_RECORDS_FOR_A_STATE = 50
"""How many times its own size must have been written before a state may interrupt the records."""


def _compact(state: Mapping[str, Any]) -> State:
    """Return a state as it is sent, with no more than a line for each bookmark."""
    return {**state, _BOOKMARKS: {name: _compacted(each) for name, each in state.get(_BOOKMARKS, {}).items()}}


def _compacted(bookmark: State) -> State:
    rest = {name: value for name, value in bookmark.items() if name != _PARTITIONS}
    kept = [each for each in bookmark.get(_PARTITIONS, ()) if _VALUE in each]
    values = {str(each[_CONTEXT][_OWNER]): each[_VALUE] for each in kept}
    return {**rest, _KEY: kept[0][_KEY], _ORGANISATIONS: values} if kept else rest


class Bookmarks(StreamStateManager):
    """The bookmarks of one stream, found by their organisation. What the SDK notes of a context is not kept."""

    @override
    def get_context_state(self, context: Context | None) -> State:
        part = self.get_state_partition_context(context)
        if not part:
            return self.stream_state
        return self._partitions.get(tuple(part.items()), {_CONTEXT: dict(part)})

    @cached_property
    def _partitions(self) -> dict[tuple[tuple[str, object], ...], State]:
        return {tuple(each[_CONTEXT].items()): each for each in self._listed if _VALUE in each}

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
            self._partitions[tuple(state[_CONTEXT].items())] = state
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

    A state tells what has been sent before it, so that one that comes late is no less true. At the end `finish` writes
    the last one.
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
