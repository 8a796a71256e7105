"""The command line: `make demo`, or `python -m tools.demo`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.demo import interruption
from tools.demo.console import Console
from tools.demo.errors import DemoError


def main() -> int:
    """Run the demo.

    Returns:
        The exit status: 0 if PostgreSQL holds just what the sandbox holds.
    """
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the PostgreSQL data, to look at it afterwards")
    parser.add_argument("--open", type=Path, metavar="DIRECTORY", help="open the data that an earlier run has kept")
    parser.add_argument("--port", type=int, default=0, help="where it is to be found then (default: any that is free)")
    parser.add_argument("--learners", type=int, default=600, help="how many learners to invent (default: 600)")
    options = parser.parse_args()

    console = Console(sys.stdout)
    interruption.listen()
    from tools.demo import story  # noqa: PLC0415 - takes half a second, in which Ctrl-C must not end in a traceback

    try:
        if options.open:
            return story.reopen(console, options.open, options.port)
        return story.tell(console, learners=options.learners, keep=options.keep)
    except interruption.Interrupted:
        console.say("\nInterrupted; everything is stopped and tidied up.")
        return 130
    except DemoError as error:
        console.fail(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
