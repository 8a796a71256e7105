"""Certificates are always verified, a private authority and a proxy come from the usual variables."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import trustme
from typing_extensions import override

from tests.running import run_tap

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

HOST = "onefile.test"
CONFIG = {"customer_token": "a-token", "api_url": f"https://{HOST}/api/v2.1", "retry_for": 0, "request_timeout": 10}


class RefusingServer(BaseHTTPRequestHandler):
    """Refuses every token, which is enough to see that it was reached."""

    protocol_version = "HTTP/1.1"
    reached = False

    def do_POST(self) -> None:
        type(self).reached = True
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(authority: trustme.CA) -> Generator[str]:
    """Serve OneFile with a certificate of a private authority, behind a proxy; gives the proxy's address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), RefusingServer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        Thread(target=_tunnel, args=(proxy, server.server_port), daemon=True).start()
        yield f"http://127.0.0.1:{proxy.getsockname()[1]}"
    server.shutdown()
    server.server_close()


def _tunnel(proxy: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = proxy.accept()
            asked = client.recv(1 << 16)
            assert asked.startswith(f"CONNECT {HOST}:443 ".encode()), "the token must be sent within the tunnel"
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            server = socket.create_connection(("127.0.0.1", port))
            for one, other in ((client, server), (server, client)):
                Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    "environ",
    [{}, {"REQUESTS_CA_BUNDLE": ""}, {"CURL_CA_BUNDLE": ""}, {"PYTHONHTTPSVERIFY": "0"}],
    ids=["nothing set", "an empty bundle", "an empty bundle of curl", "Python told not to"],
)
def test_a_certificate_of_an_unknown_authority_is_refused_whatever_the_environment_says(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RefusingServer, "reached", False)
    with serving(trustme.CA()) as proxy:
        run = run_tap(tmp_path, CONFIG, environ={"HTTPS_PROXY": proxy, **environ})

    assert run.status == 1
    assert "a TLS certificate or connection that cannot be trusted" in run.last_line
    assert not RefusingServer.reached


def test_a_private_authority_and_a_proxy_come_from_the_usual_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RefusingServer, "reached", False)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with serving(authority) as proxy:
        bundle = {"REQUESTS_CA_BUNDLE": str(tmp_path / "authority.pem")}
        run = run_tap(tmp_path, CONFIG, environ={"HTTPS_PROXY": proxy, **bundle})

    assert RefusingServer.reached
    assert "refused the customer token (status 401)" in run.last_line


def test_no_setting_is_about_verification(tmp_path: Path) -> None:
    run = run_tap(tmp_path, None, "--about", "--format=json")

    assert run.status == 0, run.stderr
    assert "customer_token" in run.stdout
    assert not any(word in run.stdout.casefold() for word in ("verify", "insecure", "ssl"))
