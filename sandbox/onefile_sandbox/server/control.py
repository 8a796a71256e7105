"""Control routes, for tests and demonstrations that run in another process."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onefile_sandbox.server.faults import Fault

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from onefile_sandbox.api.dispatch import Api
    from onefile_sandbox.server.calls import CallLog
    from onefile_sandbox.server.faults import Faults
    from onefile_sandbox.world.history import History

CONTROL_PREFIX = "/_sandbox"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def application(api: ASGIApp, control: ASGIApp) -> ASGIApp:
    """Join the API and the control routes, which only this machine may call."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith(f"{CONTROL_PREFIX}/") and scope["client"][0] in _LOOPBACK:
            await control({**scope, "path": path.removeprefix(CONTROL_PREFIX)}, receive, send)
        else:
            await api(scope, receive, send)

    return app


@dataclass(frozen=True)
class Control:
    """The control routes."""

    api: Api
    history: History
    faults: Faults
    log: CallLog

    def application(self) -> Starlette:
        """Make them an application."""
        return Starlette(
            routes=[
                Route("/records/{stream}", self._records),
                Route("/counts", self._counts),
                Route("/calls", self._calls),
                Route("/writes", self._writes),
                Route("/faults", self._add_faults, methods=["POST"]),
                Route("/faults", self._clear_faults, methods=["DELETE"]),
                Route("/advance", self._advance, methods=["POST"]),
                Route("/change", self._change, methods=["POST"]),
                Route("/expire-sessions", self._expire_sessions, methods=["POST"]),
            ]
        )

    # All of them are coroutines, so that they run where the API runs, and never at the same time.

    async def _records(self, request: Request) -> Response:
        stream = request.path_params["stream"]
        if stream not in self.api.world.streams:
            return JSONResponse({"message": f"no stream is called {stream!r}"}, 404)
        details = request.query_params.get("details", "").lower() == "true"
        return JSONResponse(self.api.reader.records(stream, details=details))

    async def _counts(self, _: Request) -> Response:
        return JSONResponse(self.api.reader.counts())

    async def _calls(self, _: Request) -> Response:
        return JSONResponse([asdict(call) for call in self.log.calls()])

    async def _writes(self, _: Request) -> Response:
        return JSONResponse({"writes": sum(call.write for call in self.log.calls())})

    async def _add_faults(self, request: Request) -> Response:
        try:
            content: Any = await request.json()
            wanted = content if isinstance(content, list) else [content]
            new = [Fault(**fault) for fault in wanted]
        except (TypeError, ValueError) as problem:
            return JSONResponse({"message": str(problem)}, 400)
        for fault in new:
            self.faults.add(fault)
        return Response(status_code=204)

    async def _clear_faults(self, _: Request) -> Response:
        self.faults.clear()
        return Response(status_code=204)

    async def _advance(self, request: Request) -> Response:
        try:
            content: Any = await request.json()
            self.history.advance(content["days"])
        except (KeyError, TypeError, ValueError) as problem:
            return JSONResponse({"message": f"days must be a whole number: {problem}"}, 400)
        return JSONResponse({"now": self.api.world.now.isoformat()})

    async def _change(self, request: Request) -> Response:
        try:
            for change in await request.json():
                self.api.world.change(change["stream"], change["id"], **change["fields"])
        except (KeyError, TypeError, ValueError) as problem:
            return JSONResponse({"message": f"cannot change it: {problem}"}, 400)
        return Response(status_code=204)

    async def _expire_sessions(self, _: Request) -> Response:
        self.api.sessions.expire()
        return Response(status_code=204)
