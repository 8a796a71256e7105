"""The command ``tap-onefile``: how a run starts, and how it ends."""

from __future__ import annotations

import gc
import logging
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tap_onefile.errors import OneFileError, SettingsError

if TYPE_CHECKING:
    import click

    from tap_onefile.tap import TapOneFile

logger = logging.getLogger("tap-onefile")


def main() -> None:
    """Run the command line; a failure ends in one line on stderr and a non-zero exit status."""
    # A core dump would hold the token and the records in transit. Windows has neither cores nor this module.
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - as above

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What is imported stays until the end. Looking for garbage in it takes a quarter of the start-up.
    gc.disable()
    from tap_onefile.singer.inputs import check_logging  # noqa: PLC0415 - only now
    from tap_onefile.tap import TapOneFile  # noqa: PLC0415 - only now

    gc.freeze()
    # Rows and records form no cycles, and there are many of them. Scanning them takes a twentieth of a run.
    gc.set_threshold(100_000)
    gc.enable()
    # Decoding a page can take longer than the usual 5 ms: threads would switch in the middle of it, and lose the
    # processor's cache.
    sys.setswitchinterval(0.02)
    try:
        check_logging()
        _command_of(TapOneFile)()
    except OneFileError as error:
        _fail(str(error), error.exit_status)
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename or 'standard output'}" if error.strerror else str(error))
    except Exception as error:  # noqa: BLE001 - a traceback could show personal values
        _fail(_worded(error))


def _command_of(tap: type[TapOneFile]) -> click.Command:
    """Return the command, for which the SDK sets up the log."""
    try:
        return tap.cli
    except Exception as error:
        if "SINGER_SDK_LOG_CONFIG" not in os.environ:
            raise
        raise SettingsError(
            "The variable SINGER_SDK_LOG_CONFIG names a file by which no log can be set up: correct it, or unset it."
        ) from error


def _fail(sentence: str, status: int = 1) -> None:
    # The sentence must be the last line, although calls in flight may still log warnings: their threads wait for locks
    # that are held until the process ends.
    logging.disable(logging.WARNING)
    for handler in (*logging.getLogger().handlers, *logger.handlers):
        handler.acquire()
    logger.error(sentence)
    # Flushing what is left in the buffer of a closed pipe would fail again, and loudly, while Python exits.
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def _worded(error: Exception) -> str:
    """Name the type and place of an error, but not its text, which may hold a value from a record."""
    kind = type(error).__name__
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}, line {place.lineno}"
    return f"tap-onefile failed unexpectedly: {kind} in {where}. Please report it with this line."


if __name__ == "__main__":
    main()
