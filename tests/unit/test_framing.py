"""Every way in which an answer can end early, at every byte: it is complete, or it is a failure; it is never less."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tap_onefile.api.decode import read_rows
from tap_onefile.api.transport import Transport
from tap_onefile.errors import Fault
from tests.slips import Answer

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

ROWS = [{"ID": 1, "Name": "Ada"}, {"ID": 2, "Name": "Zoë"}]
BODY = json.dumps(ROWS, ensure_ascii=False).encode()
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
FRAMINGS = ["length", "chunk", "close"]
ENCODINGS = ["identity", "gzip", "deflate"]


@contextmanager
def answering(answers: Iterator[list[bytes]]) -> Generator[Transport]:
    """Answer one call on each connection by some pieces, and end the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for pieces in answers:
                with listening.accept()[0] as connection, suppress(OSError):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    # What is left unread would make the end a reset, which may overtake the answer.
                    while not connection.recv(1 << 16).endswith(b"}"):
                        pass
                    for piece in pieces:
                        connection.sendall(piece)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield Transport(f"http://127.0.0.1:{listening.getsockname()[1]}", user_agent="test", timeout=5)
        thread.join(5)
        assert not thread.is_alive()


def outcome(transport: Transport) -> object:
    """Give what is read of an answer; the Fault where it is to be asked for again."""
    # A connection that the server is about to close must not be used again.
    with transport._session():
        try:
            return read_rows(transport.exchange("POST", "User/Search/2/100", headers={}, body={"Role": 1}))
        except Fault as fault:
            return fault


@pytest.mark.parametrize("before", [b"", HINT, HINT + HINT], ids=["plain", "hint", "hints"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_that_ends_at_any_byte_is_complete_or_a_failure(framing: str, encoding: str, before: bytes) -> None:
    wire = Answer(body=BODY, framing=framing, encoding=encoding, before=before).wire()
    with answering([wire[:cut]] for cut in range(len(wire) + 1)) as transport:
        outcomes = [outcome(transport) for _ in range(len(wire) + 1)]

    wrong = [cut for cut, came in enumerate(outcomes) if came != ROWS and not isinstance(came, Fault)]
    assert wrong == []
    assert outcomes[-1] == ROWS
    # What is left out at the most: the last words of a framing or of an encoding.
    assert all(isinstance(came, Fault) for came in outcomes[: wire.index(b"\r\n\r\n", len(before)) + 4])


@pytest.mark.parametrize("before", [b"", HINT], ids=["plain", "hint"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_that_comes_in_two_pieces_is_complete(framing: str, encoding: str, before: bytes) -> None:
    wire = Answer(body=BODY, framing=framing, encoding=encoding, before=before).wire()
    with answering([wire[:cut], wire[cut:]] for cut in range(1, len(wire), 7)) as transport:
        assert [outcome(transport) for _ in range(1, len(wire), 7)] == [ROWS] * len(range(1, len(wire), 7))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_packed_body_that_is_cut_and_well_framed_is_complete_or_a_failure(framing: str, encoding: str) -> None:
    packed = Answer(body=BODY, framing="close", encoding=encoding).wire().partition(b"\r\n\r\n")[2]
    label = (f"Content-Encoding: {encoding}",)
    # Where the framing itself says that there is nothing, nothing has been cut.
    cuts = range(framing != "close", len(packed) + 1)
    wires = [Answer(body=packed[:cut], framing=framing, headers=label).wire() for cut in cuts]
    with answering([wire] for wire in wires) as transport:
        outcomes = [outcome(transport) for _ in wires]

    wrong = [cut for cut, came in zip(cuts, outcomes, strict=True) if came != ROWS and not isinstance(came, Fault)]
    assert wrong == []
    assert outcomes[-1] == ROWS


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("framing", ["length", "chunk"])
def test_an_empty_list_is_one_where_its_framing_says_so(framing: str, encoding: str) -> None:
    wires = [Answer(body=body, framing=framing, encoding=encoding).wire() for body in (b"", b"[]", b"null")]
    with answering([wire] for wire in wires) as transport:
        assert [outcome(transport) for _ in wires] == [[], [], []]


@pytest.mark.parametrize("status", [200, 204])
def test_nothing_that_is_said_to_be_packed_is_nothing(status: int) -> None:
    wires = [Answer(status, headers=("Content-Encoding: gzip", "Content-Length: 0"), framing="").wire()]
    with answering([wire] for wire in wires) as transport:
        assert outcome(transport) == []
