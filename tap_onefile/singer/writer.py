"""How Singer messages reach standard output."""

from __future__ import annotations

import errno
import select
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, enc_hook
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from tap_onefile.errors import TargetGone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk.singerlib import Message

_ENCODER = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")
_GONE = "The target closed the pipe before the run was finished. See what the target logged, and run again."
_CLOSED = {errno.EPIPE, errno.EINVAL}
"""How a write to a closed pipe fails: on Windows, as if its arguments were wrong."""
_FULL = 1 << 18
"""Bytes at which the buffer is flushed."""


class _RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    """A RECORD message, with its keys in the SDK's order."""

    stream: str
    record: msgspec.Struct
    version: int | msgspec.UnsetType
    time_extracted: msgspec.Raw


@lru_cache
def _record_type(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """Return a type whose instances take less time to make and to encode than a dictionary with these keys."""
    places = {f"_{place}": name for place, name in enumerate(names)}
    return msgspec.defstruct("Record", places, rename=places, gc=False)


class BufferedWriter(MsgSpecWriter):
    """Buffers records, and flushes at every other message.

    The SDK's writers make a system call for each record. A state must neither be late nor overtake the records before
    it, so it is written together with all that is buffered.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._flushed = 0
        self._is_broken = False
        self.writing_since: float | None = None
        """When the current write began, by `time.monotonic`; None between writes."""
        self.versions: dict[str, int] = {}
        """The version that the records of a stream carry, by stream alias."""

    @override
    def write_message(self, message: Message) -> None:
        if isinstance(message, RecordMessage) and self.versions:
            message.version = self.versions.get(message.stream)
        # The SDK would copy each line twice.
        _ENCODER.encode_into(message.to_dict(), self._buffer, -1)
        self._buffer += b"\n"
        if len(self._buffer) >= _FULL or type(message) is not RecordMessage:
            self.flush()

    def write_records(self, stream: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Write records of one stream, given by field, as the messages that the SDK would make one by one.

        All are extracted now. Raises `ValueError` if a field has fewer values than others: records would be lost.
        """
        if len(set(map(len, columns.values()))) != 1:
            raise ValueError("fields of different lengths")
        version = self.versions.get(stream, msgspec.UNSET)
        # Encoded once, as it is the same for all.
        extracted = msgspec.Raw(_ENCODER.encode(datetime.now(UTC)))
        records = map(_record_type(tuple(columns)), *columns.values())
        self._buffer += _ENCODER.encode_lines([_RecordLine(stream, record, version, extracted) for record in records])
        if len(self._buffer) >= _FULL:
            self.flush()

    @property
    def written(self) -> int:
        """How many bytes of messages there have been."""
        return self._flushed + len(self._buffer)

    def flush(self) -> None:
        """Write all that is buffered; raises `TargetGone` if nobody reads it."""
        buffered, self._buffer = self._buffer, bytearray()
        if self._is_broken:
            return
        self._flushed += len(buffered)
        if sys.stdout is None:
            raise TargetGone("There is no standard output to write to. Pipe the tap into a target, or into a file.")
        self.writing_since = time.monotonic()
        try:
            rest = memoryview(buffered)
            while rest:
                # An unbuffered standard output may take only a part.
                rest = rest[sys.stdout.buffer.write(rest) :]
            sys.stdout.flush()
        except OSError as error:
            # A state that came later would stand for what was lost here.
            self._is_broken = True
            if error.errno not in _CLOSED:
                raise
            # Click would exit without a word.
            raise TargetGone(_GONE) from None
        finally:
            self.writing_since = None

    def check_reader(self) -> None:
        """Raise `TargetGone` if the pipe is known to be closed; not every platform can tell without a write."""
        if sys.stdout is None or not hasattr(select, "poll"):
            return
        poll = select.poll()
        # poll always reports POLLERR, whatever was asked for.
        with suppress(OSError, ValueError):
            poll.register(sys.stdout.fileno(), 0)
            if any(event & select.POLLERR for _, event in poll.poll(0)):
                raise TargetGone(_GONE)


class MuteWriter(BufferedWriter):
    """Writes nothing, as a test of the connection must not show personal data on the screen."""

    @override
    def write_message(self, message: Message) -> None:
        pass

    @override
    def write_records(self, stream: str, columns: Mapping[str, Sequence[Any]]) -> None:
        pass
