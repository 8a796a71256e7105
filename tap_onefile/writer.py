"""How Singer messages reach standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, enc_hook
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from tap_onefile.errors import TargetGone

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

_ENCODER = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")
_FULL = 1 << 16
"""Bytes after which the buffer is written."""


class BufferedWriter(MsgSpecWriter):
    """Writes records in blocks, and every other message at once.

    The SDK's writers make a system call for each record. A state must not be late, and must never overtake the records
    before it, so it takes all that is waiting with it.
    """

    def __init__(self) -> None:
        """Begin with nothing waiting."""
        self._waiting = bytearray()
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

    def flush(self) -> None:
        """Write all that is waiting.

        Raises:
            TargetGone: Nobody reads what we write.
        """
        waiting, self._waiting = self._waiting, bytearray()
        try:
            sys.stdout.buffer.write(waiting)
            sys.stdout.flush()
        except BrokenPipeError:
            # The command line library would end the process without a word.
            raise TargetGone(
                "The target closed the pipe before the run was finished. Look at what the target said, and run again.",
            ) from None


class MuteWriter(BufferedWriter):
    """Writes nothing: a test of the connection must not show anybody's record on the screen."""

    @override
    def write_message(self, message: Message) -> None:
        pass
