"""One exchange: only reads leave the machine, and whatever goes wrong is told in words of our own."""

from __future__ import annotations

import io
import itertools
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

import pytest
import requests
import urllib3
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection

from tap_onefile.api import transport as transport_module
from tap_onefile.api.transport import Answer, ForbiddenCall, Transport
from tap_onefile.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

API = "https://onefile.test/api/v2.1"
SECRET = {"X-TokenID": "s3cr3t+token/=="}


class Server(ThreadingHTTPServer):
    """Gives one answer to every request, and keeps the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"[]"
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers as the server says."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        server = cast("Server", self.server)
        server.requests.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        self.send_response(server.status)
        for name, value in {"Content-Length": str(len(server.body)), **server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(server.body)

    do_GET = do_POST = do_CONNECT = _answer  # noqa: N815 - the names are the library's

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def exchange(api_url: str, path: str = "Customer", method: str = "GET", timeout: float = 5, **body: object) -> Answer:
    transport = Transport(api_url, user_agent="tap-onefile/test", timeout=timeout)
    with transport._session():
        return transport.exchange(method, path, headers=SECRET, body=body or None)


def fault(api_url: str, timeout: float = 5) -> str:
    with pytest.raises(Fault) as failed:
        exchange(api_url, timeout=timeout)
    assert failed.value.__cause__ is None
    assert "s3cr3t" not in failed.value.what
    return failed.value.what


@contextmanager
def network(headers: Mapping[str, str] | None = None, body: bytes = b"") -> Generator[list[requests.PreparedRequest]]:
    """Catch what would be sent, and answer it."""
    sent: list[requests.PreparedRequest] = []

    def send(_: object, request: requests.PreparedRequest, **__: object) -> requests.Response:
        sent.append(request)
        response = requests.Response()
        response.status_code = 200
        response.headers.update({"Content-Length": str(len(body)), **(headers or {})})
        response.raw = urllib3.HTTPResponse(body=io.BytesIO(body), preload_content=False)
        return response

    with mock.patch.object(HTTPAdapter, "send", send):
        yield sent


def is_read(method: str, path: str) -> bool:
    match method, path.split("/"):
        case "GET", [*parts]:
            return all(parts)
        case "POST", ["Authentication"] | [_, "Search"]:
            return True
        case "POST", [_, "Search", page, size]:
            return page.isdecimal() and size.isdecimal()
    return False


pieces = st.sampled_from(
    ["User", "Search", "Authentication", "1", "100", "Archive", "%2F", "..", ".", "/", "//", "?", "#", "\n", "é", ""]
)
paths = st.one_of(
    st.sampled_from(["User", "User/5", "User/Search", "User/Search/1/100", "Authentication"]),
    st.lists(pieces, max_size=5).map("/".join),
    st.lists(pieces, max_size=5).map("".join),
    st.text(max_size=20),
)
methods = st.sampled_from(["GET", "POST", "GET", "POST", "PUT", "PATCH", "DELETE", "get", "POST "]) | st.text()


@unhurried
@given(method=methods, path=paths)
@example(method="POST", path="User/5/Archive")
@example(method="POST", path="User/5")
@example(method="POST", path="User/Search/1/100/Archive")
@example(method="POST", path="User/5/Search")
@example(method="POST", path="User/Search\n")
@example(method="POST", path="User/Search/1/2?x=/Search")
@example(method="GET", path="User/../../x")
@example(method="DELETE", path="User/5")
def test_nothing_but_a_read_reaches_the_network(method: str, path: str) -> None:
    with network() as sent:
        try:
            exchange(API, path, method)
        except ForbiddenCall:
            assert sent == []
            return
    (request,) = sent
    assert is_read(method, path)
    assert request.method == method
    assert request.url == f"{API}/{path}"


@pytest.mark.parametrize(
    "call",
    ["GET User/5/offthejob", "GET A/B..C%201", "POST Authentication", "POST User/Search", "POST User/Search/12/9"],
)
def test_each_read_reaches_the_network(call: str) -> None:
    method, path = call.split()
    with network() as sent:
        exchange(API, path, method)
    assert [(request.method, request.url) for request in sent] == [(method, f"{API}/{path}")]


@pytest.mark.parametrize("path", ["Unit/.", "Unit/..", "Unit/%2e", "Unit/%2e%2e/%2E%2E/admin", "Unit/.%2e/x"])
def test_an_id_made_of_dots_does_not_lead_to_another_path(path: str) -> None:
    with network() as sent, suppress(ForbiddenCall):
        exchange(API, path)
    # An HTTP library takes such a segment for a way to go, quoted or not, and a server may.
    assert sent == []


def test_a_call_carries_the_token_the_filters_and_how_we_introduce_ourselves(server: Server) -> None:
    server.body = b'[{"ID": 1}]'
    answer = exchange(f"{server.address}/api/", "User/Search/1/10", "POST", Role=1)
    assert answer == Answer(200, b'[{"ID": 1}]', None)
    ((method, path, headers, body),) = server.requests
    assert (method, path, body) == ("POST", "/api/User/Search/1/10", b'{"Role": 1}')
    assert headers["X-TokenID"] == SECRET["X-TokenID"]
    assert headers["User-Agent"] == "tap-onefile/test"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [204, 302, 401, 404, 429, 500])
def test_an_answer_is_an_answer_whatever_its_status_and_no_redirect_is_followed(server: Server, status: int) -> None:
    server.status, server.body, server.headers = status, b"", {"Location": "/elsewhere"}
    assert exchange(server.address).status == status
    assert len(server.requests) == 1


def test_a_loopback_address_is_never_reached_through_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert exchange(server.address).status == 200


def test_nor_is_a_loopback_address_with_tls(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.address)
    fault("https://localhost:1")
    assert server.requests == []


def test_any_other_address_is_reached_through_the_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.address)
    server.status = 407
    assert fault(API) == "no connection through the proxy"
    assert [(method, path) for method, path, _, _ in server.requests] == [("CONNECT", "onefile.test:443")]


def test_a_socks_proxy_has_the_connections_that_it_needs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package PySocks: these connections go straight to the server."""

    class Connection(HTTPConnection):
        def __init__(self, *arguments: Any, _socks_options: object, **options: Any) -> None:  # noqa: ANN401 - the library's
            super().__init__(*arguments, **options)

        @override
        def _new_conn(self) -> socket.socket:
            return socket.create_connection(("127.0.0.1", server.server_port))

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection  # ty: ignore[invalid-assignment] # as urllib3's own class would need

    def manager(proxy: str, **_: object) -> PoolManager:
        made = PoolManager(_socks_options={"proxy": proxy})
        monkeypatch.setattr(made, "pool_classes_by_scheme", {"http": Pool})
        return made

    package = ModuleType("socks")
    package.__spec__ = ModuleSpec("socks", None)
    monkeypatch.setitem(sys.modules, "socks", package)
    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", manager)
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:1")
    assert exchange("http://onefile.test/api").status == 200
    assert [path for _, path, _, _ in server.requests] == ["/api/Customer"]


def test_a_netrc_file_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password s3cr3t\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(server.address) == ("somebody", "s3cr3t")
    transport = Transport(server.address, user_agent="test", timeout=5)
    with transport._session() as session:
        session.trust_env = True  # as for an address that is no loopback
        transport.exchange("GET", "Customer", headers=SECRET)
    assert "Authorization" not in server.requests[0][2]


@unhurried
@given(seconds=st.integers(0, 10**6))
def test_retry_after_is_read_as_seconds(seconds: int) -> None:
    for spelled in (str(seconds), f" {seconds} "):
        with network({"Retry-After": spelled}):
            assert exchange(API).retry_after == seconds


NOW = datetime(2026, 7, 1, 6, 30, tzinfo=UTC)


@pytest.fixture
def british_summer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop the clock, in a place that is an hour ahead of UTC."""
    monkeypatch.setattr(transport_module, "time", SimpleNamespace(time=NOW.timestamp, monotonic=time.monotonic))
    with mock.patch.dict("os.environ", TZ="BST-1"):
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("spelling", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
@pytest.mark.usefixtures("british_summer")
def test_retry_after_is_read_as_a_date_in_each_form_of_http(spelling: str) -> None:
    for seconds in (-3600, -1, 0, 1, 90, 7200):
        with network({"Retry-After": (NOW + timedelta(seconds=seconds)).strftime(spelling)}):
            assert exchange(API).retry_after == max(0, seconds)


@unhurried
@given(value=st.one_of(st.text(), st.datetimes(timezones=st.just(UTC)).map(format_datetime)))
@example(value="Sun, 06 Nov 99999999999999999999 08:49:37 GMT")
@example(value="Sun, 06 Nov 1994 08:49:37 +99999999999999999")
@example(value="-5")
@example(value="1.5")
@example(value="9" * 400)
def test_retry_after_is_no_harm_whatever_it_holds(value: str) -> None:
    with network({"Retry-After": value}):
        retry_after = exchange(API).retry_after
    assert retry_after is None or retry_after >= 0


def test_a_connection_that_fails_is_told_in_our_words(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        assert fault(address, timeout=0.05) == "no answer within request_timeout"
    assert fault(address) == "connection refused"
    assert fault(server.address.replace("http", "https")) == "a TLS certificate or connection that cannot be trusted"
    with mock.patch("socket.getaddrinfo", side_effect=socket.gaierror(-2, "Name or service not known")):
        assert fault(API) == "a host name that cannot be resolved"


def test_a_body_that_trickles_in_is_given_up_after_the_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(transport_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with network({"Transfer-Encoding": "chunked"}, body=b"x" * 10_000_000):
        assert fault(API, timeout=10) == "no answer within request_timeout"


@pytest.mark.parametrize("extra", [{"Content-Length": "100"}, {"Content-Encoding": "gzip"}])
def test_a_body_that_is_cut_is_told_in_our_words(server: Server, extra: dict[str, str]) -> None:
    server.body, server.headers = b"[{", extra
    assert fault(server.address) == "an answer that was cut short"


@contextmanager
def raw_server(beginning: bytes, again: bytes = b"") -> Generator[str]:
    """Answer with some bytes, and then with others over and over until the client is gone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as connection, suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(beginning)
                while again:
                    connection.sendall(again)
                    time.sleep(0.02)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("beginning", "again"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    ],
    ids=["status", "header", "continue", "body", "body-without-length"],
)
def test_an_answer_that_trickles_in_is_given_up_after_the_time_out(beginning: bytes, again: bytes) -> None:
    with raw_server(beginning, again) as address:
        assert fault(address, timeout=0.3) == "no answer within request_timeout"


def test_an_answer_in_time_is_read_although_the_ones_before_took_long(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "protocol_version", "HTTP/1.1")
    seconds = itertools.count()
    monkeypatch.setattr(transport_module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    transport = Transport(server.address, user_agent="test", timeout=20)
    with transport._session():
        answers = [transport.exchange("GET", "Customer", headers={}) for _ in range(10)]
    assert [answer.content for answer in answers] == [b"[]"] * 10
    assert next(seconds) > 40


@pytest.mark.parametrize("line", [b"s3cr3t without a colon", b" folded: s3cr3t"])
def test_headers_that_are_none_are_a_failure_and_are_not_logged(line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with raw_server(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2\r\n\r\n[]") as address:
        assert fault(address) == "a connection that broke off"
    assert "s3cr3t" not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "answer", [b"200 OK\r\nContent-Length: 2\r\n\r\n[]more", b"204 No Content\r\n\r\n[1]"], ids=["more", "no-content"]
)
def test_an_answer_with_more_than_it_says_is_not_believed(answer: bytes) -> None:
    with raw_server(b"HTTP/1.1 " + answer) as address:
        assert fault(address) == "a connection that broke off"


@pytest.mark.parametrize("length", ["-2", "two", "2, x", ""])
def test_an_answer_whose_length_cannot_be_read_is_not_believed(length: str) -> None:
    with raw_server(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n[]".encode()) as address:
        assert fault(address) == "an answer whose length cannot be read"


def test_an_answer_that_would_fill_the_memory_is_not_read_to_its_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "_LARGEST", 99)
    server.body = b" " * 98 + b"[]"
    assert fault(server.address) == "more than was wanted"
