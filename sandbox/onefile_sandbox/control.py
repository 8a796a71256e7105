"""Routes beside the API, for tests and demonstrations that run in another process."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onefile_sandbox.faults import Fault

if TYPE_CHECKING:
    from starlette.requests import Request

    from onefile_sandbox.api import Api
    from onefile_sandbox.calls import CallLog
    from onefile_sandbox.faults import Faults

PREFIX = "/_sandbox"


def control(api: Api, faults: Faults, log: CallLog) -> Starlette:
    """Make the application that the control routes are.

    Args:
        api: The API that is looked into.
        faults: Where accidents are added.
        log: Where calls are noted.

    Returns:
        The application.
    """

    async def records(request: Request) -> Response:
        stream = request.path_params["stream"]
        if stream not in api.world.streams:
            return JSONResponse({"message": f"no stream is called {stream!r}"}, 404)
        return JSONResponse(api.records(stream))

    async def counts(_: Request) -> Response:
        return JSONResponse(api.counts())

    async def calls(_: Request) -> Response:
        return JSONResponse([asdict(call) for call in log.calls()])

    async def writes(_: Request) -> Response:
        return JSONResponse({"writes": log.writes()})

    async def add_faults(request: Request) -> Response:
        try:
            content: Any = await request.json()
            wanted = content if isinstance(content, list) else [content]
            new = [Fault(**fault) for fault in wanted]
        except (TypeError, ValueError) as problem:
            return JSONResponse({"message": str(problem)}, 400)
        for fault in new:
            faults.add(fault)
        return Response(status_code=204)

    async def clear_faults(_: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def expire_sessions(_: Request) -> Response:
        api.sessions.expire()
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/records/{stream}", records),
            Route("/counts", counts),
            Route("/calls", calls),
            Route("/writes", writes),
            Route("/faults", add_faults, methods=["POST"]),
            Route("/faults", clear_faults, methods=["DELETE"]),
            Route("/expire-sessions", expire_sessions, methods=["POST"]),
        ]
    )
