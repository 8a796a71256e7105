"""Works out what a perfect reader of a customer gets, from the sandbox's own account of itself."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from onefile_sandbox import Behaviour, Sandbox
from tools import CORE_STREAMS
from tools.benchmarks.checking import Tally, field_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNKNOWN = "unknown"
"""What the names of the fields begin with that nobody has described."""


def main() -> None:
    """Write the tally of each stream to stdout, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--learners", type=int, required=True)
    parser.add_argument("--organisations", type=int, required=True)
    parser.add_argument("--behaviour", action="append", default=[])
    options = vars(parser.parse_args())
    sandbox = Sandbox(behaviour=Behaviour.parse(options.pop("behaviour")), **options)
    tallies = {stream: asdict(tallied(sandbox.records(stream))) for stream in CORE_STREAMS}
    sys.stdout.write(json.dumps(tallies))


def tallied(rows: Sequence[Mapping[str, Any]]) -> Tally:
    """Count a stream's records.

    Args:
        rows: All of them, as they are sent. Fields that nobody has described are not compared: one peer leaves them
            out, as it should, and another keeps them, as it may.
    """
    tally = Tally(fields=[name for name in field_names(rows) if not name.startswith(_UNKNOWN)])
    for row in rows:
        tally.add(row)
    return tally


if __name__ == "__main__":
    main()
