"""A server that says exactly what a test wants, for answers that no honest sandbox gives."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


@contextmanager
def scripted_server(rows: Mapping[str, list[Any] | bytes]) -> Generator[dict[str, Any]]:
    """Serve one customer with one organisation, and the rows of some searches and lists.

    Args:
        rows: The rows by entity, or by the path of a GET; or the raw body of the first page.

    Yields:
        The settings that point the tap at the server.
    """
    answers: dict[str, Any] = {"Organisation": [{"ID": 9101, "Name": "Example Centre"}], **rows}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.removeprefix("/api/v2.1/")
            body = {"ID": 9001, "Name": "Example Customer"} if path == "Customer" else answers.get(path, b"")
            self._answer(body if isinstance(body, bytes) else json.dumps(body).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            entity, _, page = self.path.removeprefix("/api/v2.1/").partition("/Search/")
            if entity == "Authentication":
                self._answer(b"a-session")
            elif page.startswith("1/") and entity in answers:
                body = answers[entity]
                self._answer(body if isinstance(body, bytes) else json.dumps(body).encode())
            else:
                self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200 if body else 204)
            if body:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield {"customer_token": "t", "api_url": f"http://127.0.0.1:{server.server_port}/api/v2.1", "page_size": 100}
    finally:
        server.shutdown()
        server.server_close()
