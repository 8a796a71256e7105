"""Every accident, over a real connection."""

from __future__ import annotations

import http.client
import socket
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from onefile_sandbox import Fault
from onefile_sandbox.server.faults import KINDS

if TYPE_CHECKING:
    from .conftest import Client, Serve

SEARCHES = r"POST /User/Search/\{page\}"


def test_a_status(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", status=503))
    answer = client.search("User", 1, 5, Role=1)
    assert (answer.status_code, answer.json()) == (503, {"message": "An error has occurred."})
    assert client.search("User", 1, 5, Role=1).status_code == 200


def test_a_fault_is_over_once_a_call_has_gone_well_after_it(client: Client) -> None:
    twice, later = Fault("status", match="User", times=2), Fault("status", match="Review")
    client.sandbox.add_fault(twice)
    client.sandbox.add_fault(later)
    for over in ([], [], [twice]):
        client.search("User", 1, 5, Role=1)
        assert client.sandbox.faults_over() == over


def test_a_status_with_code_and_message(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", status=400, code=-57, message="Placement not found"))
    answer = client.search("User", 1, 5)
    assert (answer.status_code, answer.json()) == (400, {"code": -57, "message": "Placement not found"})


@pytest.mark.parametrize(("body", "start"), [("html", b"<!DOCTYPE"), ("empty", b"")])
def test_a_status_with_another_body(client: Client, body: Any, start: bytes) -> None:  # noqa: ANN401
    client.sandbox.add_fault(Fault("status", status=500, body=body))
    answer = client.search("User", 1, 5)
    assert answer.status_code == 500
    assert answer.content.startswith(start)
    assert bool(answer.content) == bool(start)


def test_a_status_with_retry_after(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", status=429, retry_after=6.2))
    client.sandbox.add_fault(Fault("status", status=429, retry_after=30, retry_after_style="date", body="empty"))
    assert client.search("User", 1, 5).headers["Retry-After"] == "7"
    answer = client.search("User", 1, 5)
    wait = parsedate_to_datetime(answer.headers["Retry-After"]) - parsedate_to_datetime(answer.headers["Date"])
    assert 30 <= wait.total_seconds() <= 32
    assert "Retry-After" not in client.search("User", 1, 5).headers


def test_a_reset(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.sandbox.add_fault(Fault("reset"))
    with pytest.raises(requests.ConnectionError, match=r"[Rr]eset"):
        client.search("User", 1, 5)
    assert [call.status for call in client.sandbox.calls] == [None]
    assert client.search("User", 1, 5, Role=1).status_code == 200
    assert caplog.messages == []


def test_a_close(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.sandbox.add_fault(Fault("close"))
    with pytest.raises(requests.ConnectionError, match="without response"):
        client.search("User", 1, 5)
    assert client.search("User", 1, 5, Role=1).status_code == 200
    assert caplog.messages == []


def test_a_garbled_body(client: Client) -> None:
    client.sandbox.add_fault(Fault("garbled"))
    with pytest.raises(requests.exceptions.ContentDecodingError):
        client.search("User", 1, 5, Role=1)
    assert client.search("User", 1, 5, Role=1).status_code == 200


def test_a_trickle_goes_on_until_the_client_has_enough(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.sandbox.add_fault(Fault("trickle"))
    host = client.sandbox.api_url.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("GET", "/api/v2.1/Customer")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read(3) == b"   "
    connection.close()
    assert client.search("User", 1, 5, Role=1).status_code == 200
    assert caplog.messages == []


def test_a_header_that_trickles_goes_on_until_the_client_has_enough(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.sandbox.add_fault(Fault("trickling-header"))
    host, _, port = client.sandbox.api_url.split("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /api/v2.1/Customer HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sent = b""
        while b"yy" not in sent:
            sent += connection.recv(1000)
    assert sent.startswith(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    assert client.search("User", 1, 5, Role=1).status_code == 200
    assert caplog.messages == []


def test_a_mangled_header(client: Client) -> None:
    client.sandbox.add_fault(Fault("mangled-header"))
    host, _, port = client.sandbox.api_url.split("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /api/v2.1/Customer HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.makefile("rb").read().split(b"\r\n")[1] == b"this is no header"
    assert client.search("User", 1, 5, Role=1).status_code == 200


def test_only_the_connection_of_the_call_is_broken(client: Client) -> None:
    def ask(connection: http.client.HTTPConnection) -> bytes:
        connection.request("GET", "/api/v2.1/Customer", headers={"X-TokenID": client.session})
        return connection.getresponse().read()

    others = [http.client.HTTPConnection(client.sandbox.api_url.split("/")[2], timeout=5) for _ in range(12)]
    told = [ask(connection) for connection in others]
    sockets = [connection.sock for connection in others]
    client.sandbox.add_fault(Fault("reset"))
    with pytest.raises(requests.ConnectionError):
        client.search("User", 1, 5)
    assert [ask(connection) for connection in others] == told
    assert [connection.sock for connection in others] == sockets
    for connection in others:
        connection.close()


@pytest.mark.parametrize("role", [1, 62])
def test_a_cut(client: Client, role: int) -> None:
    whole = client.search("User", 1, 5, Role=role).content or b"[]"
    client.sandbox.add_fault(Fault("cut"))
    connection = http.client.HTTPConnection(client.sandbox.api_url.split("/")[2], timeout=5)
    headers = {"X-TokenID": client.session, "Content-Type": "application/json"}
    connection.request("POST", "/api/v2.1/User/Search/1/5", f'{{"Role": {role}}}', headers)
    answer = connection.getresponse()
    assert answer.headers["Content-Length"] == str(len(whole))
    with pytest.raises(http.client.IncompleteRead) as error:
        answer.read()
    assert error.value.partial == whole[: len(whole) // 2]
    connection.close()


@pytest.mark.parametrize("role", [1, 62])
def test_malformed(client: Client, role: int) -> None:
    client.sandbox.add_fault(Fault("malformed"))
    answer = client.search("User", 1, 5, Role=role)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_html(client: Client) -> None:
    client.sandbox.add_fault(Fault("html"))
    answer = client.search("User", 1, 5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_hang_lasts_until_the_client_leaves(client: Client) -> None:
    client.sandbox.add_fault(Fault("hang"))
    with pytest.raises(requests.ReadTimeout):
        client.http.post(f"{client.sandbox.api_url}/User/Search", timeout=0.05)
    client.sandbox.wait_for("POST /User/Search", timeout=5)
    assert client.sandbox.calls[-1].status is None
    assert client.search("User", 1, 5, Role=1).status_code == 200


def test_slow(client: Client) -> None:
    client.sandbox.add_fault(Fault("slow", seconds=1))
    start = time.monotonic()
    assert client.search("User", 1, 5, Role=1).status_code == 200
    assert time.monotonic() - start >= 1
    start = time.monotonic()
    assert client.search("User", 1, 5, Role=1).status_code == 200
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("status", [401, 403, 400])
def test_expire(serve: Serve, status: int) -> None:
    client = serve(behaviour={"expired_status": status})
    client.sandbox.add_fault(Fault("expire", match=SEARCHES, after=1))
    assert client.search("User", 1, 5, Role=1).status_code == 200
    assert client.search("User", 2, 5, Role=1).status_code == status
    assert client.call("GET", "Customer").status_code == status
    client.log_in()
    assert client.search("User", 2, 5, Role=1).status_code == 200


def test_repeat_page(client: Client) -> None:
    pages = [client.ids("User", page, 5, Role=1) for page in (1, 2, 3)]
    client.sandbox.add_fault(Fault("repeat-page", times=2))
    assert [client.ids("User", page, 5, Role=1) for page in (1, 2, 3)] == [pages[0], pages[0], pages[1]]
    assert client.ids("User", 3, 5, Role=1) == pages[2]


def test_moving_row(client: Client) -> None:
    ids = client.sandbox.world.ids("learners")
    client.sandbox.add_fault(Fault("moving-row", match=SEARCHES))
    for _ in range(2):
        pages = [client.ids("User", page, 10, Role=1) for page in range(1, 7)]
        assert pages == [ids[0:10], ids[9:19], ids[19:29], ids[29:39], ids[39:49], ids[49:]]
    assert [record["ID"] for record in client.sandbox.records("learners")] == ids


def test_a_row_that_moves_later(client: Client) -> None:
    ids = client.sandbox.world.ids("learners")
    client.sandbox.add_fault(Fault("moving-row", after=2))
    pages = [client.ids("User", page, 20, Role=1) for page in range(1, 5)]
    assert pages == [ids[0:20], ids[20:40], ids[39:], []]


def test_redirect(client: Client) -> None:
    client.sandbox.add_fault(Fault("redirect"))
    client.sandbox.add_fault(Fault("redirect", location="https://other.example/x"))
    answer = client.search("User", 1, 5)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://elsewhere.invalid/")
    assert client.search("User", 1, 5).headers["Location"] == "https://other.example/x"


def test_wrong_shape(client: Client) -> None:
    rows = client.search("User", 1, 5, Role=1).json()
    customer = client.call("GET", "Customer").json()
    client.sandbox.add_fault(Fault("wrong-shape", times=3))
    assert client.search("User", 1, 5, Role=1).json() == {"Items": rows}
    assert client.call("GET", "Customer").json() == [customer]
    assert client.search("User", 1, 5, Role=62).json() == {"Items": None}


def test_empty_200(client: Client) -> None:
    client.sandbox.add_fault(Fault("empty-200"))
    answer = client.search("User", 1, 5, Role=1)
    assert (answer.status_code, answer.content) == (200, b"")


def raw(client: Client, fault: Fault, path: str = "Customer") -> bytes:
    """Give all that is sent on a connection to a call that a fault befalls, until it ends or one answer is whole."""
    client.sandbox.add_fault(fault)
    host, _, port = client.sandbox.api_url.split("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        head = f"GET /api/v2.1/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-TokenID: {client.session}\r\n\r\n"
        connection.sendall(head.encode())
        return connection.makefile("rb").read()


def test_an_informational_answer(client: Client) -> None:
    for status in (100, 101, 102, 103):
        sent = raw(client, Fault("informational", status=status))
        assert sent.startswith(b"HTTP/1.1 %d " % status)
        assert b"\r\n\r\nHTTP/1.1 200 " in sent
    sent = raw(client, Fault("informational-only"))
    assert sent.startswith(b"HTTP/1.1 103 ")
    assert sent.endswith(b"\r\n\r\n")
    assert sent.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("framing", ["length", "chunk", "close"])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_reframed(client: Client, framing: Any, encoding: Any) -> None:  # noqa: ANN401
    whole = client.search("User", 1, 5, Role=1).content
    client.sandbox.add_fault(Fault("reframed", framing=framing, encoding=encoding, times=2))
    answer = client.search("User", 1, 5, Role=1)
    assert answer.content == whole
    assert ("Content-Length" in answer.headers, "Transfer-Encoding" in answer.headers) == (
        framing == "length",
        framing == "chunk",
    )
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    assert client.search("User", 1, 5, Role=62).status_code == 204


@pytest.mark.parametrize("framing", ["length", "chunk", "close"])
def test_a_cut_at_a_byte(client: Client, framing: Any) -> None:  # noqa: ANN401
    head, _, body = raw(client, Fault("cut", framing=framing, at=0)).partition(b"\r\n\r\n")
    assert (head.startswith(b"HTTP/1.1 200 "), body) == (True, b"")
    assert b"Content-Length: " in head or framing != "length"
    packed = raw(client, Fault("cut", framing="close", encoding="gzip", at=10)).partition(b"\r\n\r\n")[2]
    assert (packed[:2], len(packed)) == (b"\x1f\x8b", 10)
    whole = raw(client, Fault("reframed", framing=framing, encoding="gzip")).partition(b"\r\n\r\n")[2]
    assert raw(client, Fault("cut", framing=framing, encoding="gzip", at=-4)).endswith(whole[:-4])


def test_a_packed_body_that_is_broken_off_and_well_framed(client: Client) -> None:
    head, _, body = raw(client, Fault("malformed", encoding="gzip", at=10)).partition(b"\r\n\r\n")
    assert b"content-length: 10\r\n" in head
    assert body[:2] == b"\x1f\x8b"


def test_a_stray_answer(client: Client) -> None:
    client.sandbox.add_fault(Fault("stray"))
    host, _, port = client.sandbox.api_url.split("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(
            f"GET /api/v2.1/Customer HTTP/1.1\r\nHost: x\r\nX-TokenID: {client.session}\r\n\r\n".encode()
        )
        sent = b""
        while not sent.endswith(b"\r\n\r\n[]"):
            sent += connection.recv(1 << 16)
    assert sent.count(b"HTTP/1.1 200 ") == 2


def test_a_bomb_goes_on_until_the_client_has_enough(client: Client) -> None:
    client.sandbox.add_fault(Fault("bomb"))
    with client.http.get(f"{client.sandbox.api_url}/Customer", stream=True, timeout=5) as answer:
        assert sum(len(part) for part, _ in zip(answer.iter_content(1 << 16), range(64), strict=False)) > 1 << 21
    assert client.search("User", 1, 5, Role=1).status_code == 200


def test_lacking_rows(client: Client) -> None:
    ids = client.sandbox.world.ids("learners")
    client.sandbox.add_fault(Fault("lacking-rows", rows=3, times=2))
    assert [client.ids("User", 1, 5, Role=1) for _ in range(3)] == [ids[:2], ids[:2], ids[:5]]
    client.sandbox.add_fault(Fault("lacking-rows", rows=9))
    assert client.search("User", 1, 5, Role=1).content == b"[]"


def test_a_cap_that_grows(client: Client) -> None:
    ids = client.sandbox.world.ids("learners")
    client.sandbox.add_fault(Fault("capped", rows=5, times=2, match=SEARCHES))
    client.sandbox.add_fault(Fault("capped", rows=8, times=None, after=2, match=SEARCHES))
    assert [client.ids("User", page, 20, Role=1) for page in (1, 2, 3)] == [ids[:5], ids[5:10], ids[16:24]]
    client.sandbox.clear_faults()
    client.sandbox.add_fault(Fault("capped", rows=7))
    assert client.ids("User", Role=1) == ids[:7]


@pytest.mark.parametrize(("name", "value"), [("FirstName", '"Zo\xeb"'), ("Progress", "NaN"), ("ID", "9" * 5000)])
def test_an_odd_value(client: Client, name: str, value: str) -> None:
    client.sandbox.add_fault(Fault("odd-value", name=name, value=value))
    content = client.search("User", 1, 5, Role=1).content
    assert content.count(f'"{name}":{value}'.encode("latin-1")) == 1
    assert content.count(f'"{name}":'.encode()) == 5


def test_an_answer_to_another_question(client: Client) -> None:
    first, second = client.sandbox.world.ids("organisations")
    learner, other = client.sandbox.world.ids("learners")[:2]
    expected = client.ids("User", 1, 50, Role=1, OrganisationID=second)
    client.sandbox.add_fault(Fault("other-question", instead={"OrganisationID": second}))
    assert client.ids("User", 1, 50, Role=1, OrganisationID=first) == expected
    client.sandbox.add_fault(Fault("other-question", instead={"OrganisationID": None, "Role": 5}))
    assert client.ids("User", 1, 50, Role=1, OrganisationID=first) == client.sandbox.world.ids("assessors")
    client.sandbox.add_fault(Fault("other-question", instead={"id": other}))
    assert client.call("GET", f"User/{learner}").json()["ID"] == other
    assert client.call("GET", f"User/{learner}").json()["ID"] == learner


@pytest.mark.parametrize("body", ["empty", "[]", "null", '""'])
def test_nothing_in_each_form(client: Client, body: Any) -> None:  # noqa: ANN401
    client.sandbox.add_fault(Fault("status", status=200, body=body))
    answer = client.search("User", 1, 5)
    assert (answer.status_code, answer.content) == (200, b"" if body == "empty" else body.encode())


def test_a_date_by_a_clock_that_is_ahead(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", status=503, retry_after=9, retry_after_style="date", clock_ahead=3600))
    answer = client.search("User", 1, 5)
    wait = parsedate_to_datetime(answer.headers["Retry-After"]) - parsedate_to_datetime(answer.headers["Date"])
    assert 8 <= wait.total_seconds() <= 10
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time() > 3500


def test_a_fault_for_a_share_of_the_paths(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", status=404, match="GET /User", share=0.5, times=None))
    learners = client.sandbox.world.ids("learners")
    statuses = [client.call("GET", f"User/{learner}").status_code for learner in learners]
    assert 10 < statuses.count(404) < 40
    assert [client.call("GET", f"User/{learner}").status_code for learner in learners] == statuses


def test_a_fault_for_some_time(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", times=None, within=0.2))
    assert client.search("User", 1, 5).status_code == 500
    client.sandbox.add_fault(Fault("slow", seconds=0.25, match="GET"))
    client.call("GET", "Customer")
    assert client.search("User", 1, 5).status_code == 200


def test_a_fault_befalls_what_it_matches_after_so_many_for_so_long(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", match="post /classroom/search", after=1, times=2))
    assert [client.search("User", 1, 5, Role=1).status_code for _ in range(3)] == [200] * 3
    assert [client.search("Classroom", 1, 5).status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_a_fault_for_ever_lasts_until_it_is_cleared(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", times=None))
    assert {client.call("GET", "Customer").status_code for _ in range(5)} == {500}
    client.sandbox.clear_faults()
    assert client.call("GET", "Customer").status_code == 200


def test_a_fault_may_be_for_a_page_and_for_parameters(client: Client) -> None:
    client.sandbox.add_fault(Fault("status", page=2, where={"role": "1"}, times=None))
    statuses = {(role, p): client.search("User", p, 3, Role=role).status_code for role in (1, 5) for p in (1, 2)}
    assert statuses == {(1, 1): 200, (1, 2): 500, (5, 1): 200, (5, 2): 200}


def test_faults_that_replace_the_answer_take_turns_and_others_add_up(client: Client) -> None:
    client.sandbox.add_fault(Fault("slow", seconds=0.05, times=2))
    client.sandbox.add_fault(Fault("status", status=500))
    client.sandbox.add_fault(Fault("status", status=503))
    client.sandbox.add_fault(Fault("malformed"))
    start = time.monotonic()
    first = client.search("User", 1, 5, Role=1)
    second = client.search("User", 1, 5, Role=1)
    assert time.monotonic() - start >= 0.1
    assert first.status_code == 200
    assert first.content == b'{"message":"An error has occurred."}'[: len(first.content)]
    assert (second.status_code, second.json()) == (503, {"message": "An error has occurred."})
    assert client.search("User", 1, 5, Role=1).status_code == 200


def test_a_fault_may_befall_a_login_and_comes_before_the_session_is_looked_at(serve: Serve) -> None:
    client = serve(log_in=False)
    client.sandbox.add_fault(Fault("status", status=500, match="POST /Authentication"))
    client.sandbox.add_fault(Fault("status", status=502, match="GET /Customer"))
    assert client.call("GET", "Customer").status_code == 502
    assert client.log_in().status_code == 500
    assert client.log_in().status_code == 200


def test_the_limit_comes_before_a_fault(serve: Serve) -> None:
    client = serve(calls_per_minute=2)
    client.sandbox.add_fault(Fault("status", status=500, times=None))
    assert [client.call("GET", "Customer").status_code for _ in range(2)] == [500, 429]


def test_every_kind_is_tried_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert all(f'"{kind}"' in text for kind in KINDS)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault is called 'explode'"):
        Fault("explode")
    with pytest.raises(ValueError, match="regular expression"):
        Fault("reset", match="(")
