"""The sandbox as a test sees it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from onefile_sandbox.api import routes
from onefile_sandbox.api.behaviour import Behaviour
from onefile_sandbox.api.dispatch import Api
from onefile_sandbox.api.limits import RateLimit, Sessions
from onefile_sandbox.server.calls import CallLog
from onefile_sandbox.server.control import CONTROL_PREFIX, Control, application
from onefile_sandbox.server.endpoint import Endpoint
from onefile_sandbox.server.faults import Faults
from onefile_sandbox.server.web import HOST, Server
from onefile_sandbox.world.history import History
from onefile_sandbox.world.timestamps import TODAY
from onefile_sandbox.world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from typing_extensions import Self

    from onefile_sandbox.server.calls import Call
    from onefile_sandbox.server.faults import Fault

DAY = 86_400.0


class Sandbox:
    """A stand-in for OneFile's server, on a port of this machine.

    Attributes:
        world: The data; a test may add, change and remove records between runs.
        behaviour: How this server settles what is not known of OneFile's.
        customer_token: Invented, so no secret.
    """

    def __init__(  # noqa: PLR0913 - every one has a default and a name
        self,
        *,
        learners: int = 50,
        organisations: int = 2,
        seed: int = 7,
        behaviour: Behaviour | None = None,
        calls_per_minute: int = 300,
        session_lifetime: float = DAY,
        latency: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        port: int = 0,
        today: datetime = TODAY,
        verbose: bool = False,
    ) -> None:
        """Invent a customer as the README's table of options says; nothing is served until `start`."""
        self.behaviour = behaviour or Behaviour()
        self.world = World(seed=seed, learners=learners, organisations=organisations, today=today)
        self.world.clock_ahead = timedelta(minutes=self.behaviour.clock_ahead_minutes)
        self.customer_token = self.world.customer_token
        self._history = History(
            self.world,
            progress_bumps=self.behaviour.progress_bumps_last_modified,
            hours_bump=self.behaviour.otj_bumps_last_modified,
        )
        sessions = Sessions(seed, session_lifetime, clock, self.behaviour.session_calls)
        self._api = Api(self.world, self.behaviour, sessions, RateLimit(calls_per_minute, clock))
        self._faults = Faults()
        self._log = CallLog(verbose=verbose)
        self._latency = latency
        self._clock = clock
        self._port = port
        self._server: Server | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start serving; returns when calls are answered."""
        if self._server:
            return
        server = Server(self._port)
        endpoint = Endpoint(self._api, self._faults, self._log, server, latency=self._latency, clock=self._clock)
        control = Control(self._api, self._history, self._faults, self._log).application()
        server.start(application(endpoint, control))
        self._server = server
        # Started again it is found where it was, as a server that went down is.
        self._port = server.port

    def stop(self) -> None:
        """Stop serving, whatever calls are under way, and raise a SandboxError if a call has met a bug of ours."""
        if self._server:
            self._server.stop()
            self._server = None
        self._log.check()

    @property
    def api_url(self) -> str:
        """Where the API is, as a tap's `api_url` setting wants it."""
        return self._address(routes.PREFIX)

    @property
    def control_url(self) -> str:
        """Where the control routes are."""
        return self._address(CONTROL_PREFIX)

    @property
    def calls(self) -> list[Call]:
        """All calls to the API since the start or the last reset."""
        return self._log.calls()

    def wait_for(self, match: str, count: int = 1, timeout: float = 30) -> None:
        """Wait until so many calls that match, as for a `Fault`, have come since the start or the last reset."""
        self._log.wait_for(match, count, timeout)

    @property
    def writes(self) -> int:
        """How many of the calls would have changed data, refused ones included."""
        return sum(call.write for call in self.calls)

    def records(self, stream: str, *, details: bool = False) -> list[dict[str, Any]]:
        """Give what a perfect reader gets, as it is sent, with the ids of what it asked with; by id for `details`."""
        return self._api.reader.records(stream, details=details)

    def counts(self) -> dict[str, int]:
        """Count the rows of every stream that a perfect reader gets."""
        return self._api.reader.counts()

    def advance(self, days: int) -> None:
        """Let days go by: the same ones bring the same things, in one go or one by one."""
        self._history.advance(days)

    def warm(self, *streams: str) -> None:
        """Invent the rows of some streams now, of all people and places by default, not when they are first sent."""
        self._api.reader.warm(streams)

    def expire_sessions(self) -> None:
        """End all sessions."""
        self._api.sessions.expire()

    def add_fault(self, fault: Fault) -> None:
        """Add a fault."""
        self._faults.add(fault)

    def faults_over(self) -> list[Fault]:
        """Give the faults that have happened and do so no more, as calls have shown."""
        return self._faults.over()

    def clear_faults(self) -> None:
        """Forget all faults that were added."""
        self._faults.clear()

    def reset_calls(self) -> None:
        """Forget all calls, and with them the count of writes."""
        self._log.clear()

    def _address(self, path: str) -> str:
        if not self._port:
            raise RuntimeError("the sandbox has not been started")
        return f"http://{HOST}:{self._port}{path}"
