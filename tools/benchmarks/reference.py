"""Works out what a perfect reader of a customer gets, from the sandbox's own account of itself."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from onefile_sandbox import Sandbox
from tools import CORE_STREAMS
from tools.benchmarks.checking import Tally, field_names


def main() -> None:
    """Write the tally of each stream to stdout, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--learners", type=int, required=True)
    parser.add_argument("--organisations", type=int, required=True)
    sandbox = Sandbox(**vars(parser.parse_args()))
    tallies = {}
    for stream in CORE_STREAMS:
        rows = sandbox.records(stream)
        tally = Tally(fields=field_names(rows))
        for row in rows:
            tally.add(row)
        tallies[stream] = asdict(tally)
    sys.stdout.write(json.dumps(tallies))


if __name__ == "__main__":
    main()
