"""The command line, and how a run that fails says so."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path

from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError

from tap_onefile.errors import OneFileError
from tap_onefile.tap import TapOneFile

logger = logging.getLogger("tap-onefile")


def run() -> None:
    """Run the command line; a failure ends in one line on stderr and exit status 1."""
    try:
        _run()
    except Exception as error:  # noqa: BLE001 - a traceback could show personal values
        if _comes_from(error, "plugin_base.py", "from_cli_args"):
            _fail('A file of the option --config must hold a JSON object with the settings: {"customer_token": "…"}.')
        _fail(_fault_of_maps(error) if _comes_from(error, "mapper.py") else _fault_of_ours(error))


def _run() -> None:
    try:
        TapOneFile.cli()
    except OneFileError as error:
        _fail(str(error), error.exit_status)
    except (MapExpressionError, StreamMapConfigError) as error:
        _fail(_fault_of_maps(error))
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename or 'standard output'}" if error.strerror else str(error))
    except ValueError as error:
        # The SDK reads files with one JSON library and we with another; their errors have only these two in common.
        if _comes_from(error, "mapper.py") or not (hasattr(error, "lineno") and hasattr(error, "colno")):
            raise
        _fail(f"A file given on the command line is not valid JSON (line {error.lineno}, column {error.colno}).")


def _fail(sentence: str, status: int = 1) -> None:
    # Calls that are under way may still warn of this and that, and the sentence must be the last line: whoever is about
    # to write one waits for a lock that is kept until the process ends.
    logging.disable(logging.WARNING)
    for handler in (*logging.getLogger().handlers, *logger.handlers):
        handler.acquire()
    logger.error(sentence)
    # What is left in the buffer of a closed pipe would fail once more, and loudly, while Python exits.
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def _comes_from(error: Exception, file: str, function: str | None = None) -> bool:
    """Tell whether an error was raised below a file of the SDK's that works on what the user has given.

    An expression of the user's may raise anything, such as for a value that is null, and so may a file that holds
    something else.
    """
    return any(
        Path(frame.filename).parts[-2:] == ("singer_sdk", file) and function in {None, frame.name}
        for frame in traceback.extract_tb(error.__traceback__)
    )


def _fault_of_maps(error: Exception) -> str:
    return f"The setting stream_maps cannot be used ({type(error).__name__}): check its expressions."


def _fault_of_ours(error: Exception) -> str:
    """Name the kind and place of an error, but not its text, which may hold a value from a record."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"tap-onefile failed in a way that it should not: {type(error).__name__} in {Path(place.filename).name},"
        f" line {place.lineno}. Please report it with this line."
    )
