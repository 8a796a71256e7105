"""How Singer messages reach standard output."""

from __future__ import annotations

import select
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, enc_hook
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from tap_onefile.errors import TargetGone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.singerlib import Message

_ENCODER = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")
_GONE = "The target closed the pipe before the run was finished. Look at what the target said, and run again."
_FULL = 1 << 18
"""Bytes after which the buffer is written."""


class _RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    """A RECORD message, in the order of the SDK's."""

    stream: str
    record: dict[str, Any]
    version: int | msgspec.UnsetType
    time_extracted: msgspec.Raw


class BufferedWriter(MsgSpecWriter):
    """Writes records in blocks, and every other message at once.

    The SDK's writers make a system call for each record. A state must not be late, and must never overtake the records
    before it, so it takes all that is waiting with it.
    """

    def __init__(self) -> None:
        """Begin with nothing waiting."""
        self._waiting = bytearray()
        self.writing_since: float | None = None
        """Since when, on the clock of `time.monotonic`, what was waiting is being written; None where nothing is."""
        self.versions: dict[str, int] = {}
        """The version that records carry, by the name under which their stream is sent."""

    @override
    def write_message(self, message: Message) -> None:
        if isinstance(message, RecordMessage) and self.versions:
            message.version = self.versions.get(message.stream)
        # In place, where the SDK's own way copies each line twice.
        _ENCODER.encode_into(message.to_dict(), self._waiting, -1)
        self._waiting += b"\n"
        if len(self._waiting) >= _FULL or type(message) is not RecordMessage:
            self.flush()

    def write_records(self, stream: str, records: Sequence[dict[str, Any]]) -> None:
        """Write records of one stream, as the same messages that the SDK makes of them one by one.

        Args:
            stream: The name under which the stream is sent.
            records: The records, all of them extracted now.

        Raises:
            TargetGone: Nobody reads what we write.
        """
        version = self.versions.get(stream, msgspec.UNSET)
        # What is the same for all is spelled once.
        time_extracted = msgspec.Raw(_ENCODER.encode(datetime.now(UTC)))
        self._waiting += _ENCODER.encode_lines(
            [_RecordLine(stream, record, version, time_extracted) for record in records]
        )
        if len(self._waiting) >= _FULL:
            self.flush()

    def flush(self) -> None:
        """Write all that is waiting.

        Raises:
            TargetGone: Nobody reads what we write.
        """
        waiting, self._waiting = self._waiting, bytearray()
        if sys.stdout is None:
            raise TargetGone("There is no standard output to write to. Give the run a target, or a file.")
        self.writing_since = time.monotonic()
        try:
            rest = memoryview(waiting)
            while rest:
                # An unbuffered standard output may take a part only.
                rest = rest[sys.stdout.buffer.write(rest) :]
            sys.stdout.flush()
        except BrokenPipeError:
            # The command line library would end the process without a word.
            raise TargetGone(_GONE) from None
        finally:
            self.writing_since = None

    def check_reader(self) -> None:
        """See whether somebody still reads what is written, where that can be told without a write.

        Raises:
            TargetGone: Nobody does.
        """
        if sys.stdout is None or not hasattr(select, "poll"):
            return
        poll = select.poll()
        # poll always reports POLLERR, whatever was asked for.
        with suppress(OSError, ValueError):
            poll.register(sys.stdout.fileno(), 0)
            if any(event & select.POLLERR for _, event in poll.poll(0)):
                raise TargetGone(_GONE)


class MuteWriter(BufferedWriter):
    """Writes nothing: a test of the connection must not show anybody's record on the screen."""

    @override
    def write_message(self, message: Message) -> None:
        pass

    @override
    def write_records(self, stream: str, records: Sequence[dict[str, Any]]) -> None:
        pass
