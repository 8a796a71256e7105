"""The long form of the campaign: `make soak`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.scenarios import draw
from tests.campaign.tally import Tally
from tests.campaign.trials import STREAMS, try_out
from tests.campaign.verdicts import judge
from tests.running import select

if TYPE_CHECKING:
    from tests.campaign.scenarios import Scenario


def main() -> int:
    """Run the campaign and say what came of it."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=2000, help="how many to try")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="draws the same ones again")  # noqa: S311
    parser.add_argument("--side-by-side", type=int, default=6, help="how many to try at once")
    arguments = parser.parse_args()
    print(f"make soak ARGS='--scenarios {arguments.scenarios} --seed {arguments.seed}'", flush=True)
    tally = Tally()
    lock = threading.Lock()
    with tempfile.TemporaryDirectory() as directory:
        first = Path(directory, "catalog")
        first.mkdir()
        select(first, *STREAMS)

        def attempt(scenario: Scenario) -> None:
            folder = Path(directory, threading.current_thread().name)
            folder.mkdir(exist_ok=True)
            (folder / "catalog.json").write_bytes((first / "catalog.json").read_bytes())
            end, fault = judge(try_out(scenario, folder))
            with lock:
                tally.add(scenario, end, fault)
                if len(tally.tried) % 50 == 0 or fault:
                    print(f"  {len(tally.tried)} tried, {len(tally.wrong)} wrong", flush=True)
                if fault:
                    print(f"WRONG: {fault}\n  {scenario}", flush=True)

        with ThreadPoolExecutor(arguments.side_by_side) as pool:
            list(pool.map(attempt, draw(arguments.scenarios, arguments.seed)))
    print(tally)
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
