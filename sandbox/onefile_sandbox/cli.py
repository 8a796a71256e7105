"""The command `onefile-sandbox`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING

from onefile_sandbox.api.behaviour import Behaviour
from onefile_sandbox.sandbox import DAY, Sandbox
from onefile_sandbox.server.faults import Fault
from onefile_sandbox.world import timestamps
from onefile_sandbox.world.entities import ENTITY_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

BANNER = """\
onefile-sandbox: this is no OneFile product and not OneFile's server.
It stands in for that server in tests and demonstrations. All data is invented. Several of its
answers are guesses, since nobody outside OneFile knows them: the README says which.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, and give the exit status."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    try:
        options["behaviour"] = Behaviour.parse(options["behaviour"])
        options["today"] = timestamps.parse(options["today"])
        warm, faults = options.pop("warm"), [Fault(**json.loads(text)) for text in options.pop("fault")]
        sandbox = Sandbox(**options)
    except (TypeError, ValueError) as problem:
        parser.error(str(problem))
    stop = threading.Event()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sys.stderr.write(BANNER)
    for fault in faults:
        sandbox.add_fault(fault)
    if warm is not None:
        sandbox.warm(*warm)
    try:
        sandbox.start()
    except OSError as problem:
        parser.error(f"cannot serve on port {options['port']}: {problem.strerror}")
    ready = {"api_url": sandbox.api_url, "control_url": sandbox.control_url, "customer_token": sandbox.customer_token}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    # On Windows a wait without an end cannot be interrupted.
    while not stop.wait(1.0):
        pass
    sandbox.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onefile-sandbox",
        description="A stand-in for OneFile's server, for tests and demonstrations.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to serve on; 0 is any that is free")
    add("--learners", type=int, default=2000, help="learners of the customer in all")
    add("--organisations", type=int, default=3, help="organisations they are spread over")
    add("--seed", type=int, default=7, help="what everything is invented from")
    add("--today", default=timestamps.TODAY.isoformat(), help="the moment at which the customer begins, as ISO 8601")
    add("--calls-per-minute", type=int, default=300, help="calls let in; 0 is no limit")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="seconds before every answer")
    add("--session-lifetime", type=float, default=DAY, metavar="SECONDS", help="seconds that a session lives")
    add(
        "--warm",
        metavar="STREAM",
        choices=list(ENTITY_OF),
        nargs="*",
        help="invent rows before the start, for measurements: people and places, or the streams named",
    )
    add("--verbose", action="store_true", help="report each call: method, route, status")
    for name, metavar, what in (
        ("--behaviour", "NAME=VALUE", "answer an open question another way"),
        ("--fault", "JSON", 'a fault, as {"kind": "status", "status": 503}'),
    ):
        add(name, metavar=metavar, action="append", default=[], help=f"{what}; may be repeated")
    return parser
