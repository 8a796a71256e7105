"""What the body of an answer holds, and what is taken for nothing or for a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_onefile.api.decode import RowDecoder, columns_of, read_rows, read_token, values_of
from tap_onefile.api.transport import Answer
from tap_onefile.errors import Fault

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = ("true", "false", "null")
"""What JSON could mean by a text without quotes, and no session."""

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def read_session(body: str) -> str | None:
    """Read the session out of the answer to a login; None where it is none."""
    try:
        return read_token(Answer(200, body.encode(), None))
    except Fault:
        return None


@unhurried
@given(
    token=st.text(BASE64, min_size=1, max_size=400).filter(lambda text: text not in WORDS),
    left=st.text(" \r\n\t"),
    right=st.text(" \r\n\t"),
)
def test_a_session_is_read_from_plain_text_and_from_json_alike(token: str, left: str, right: str) -> None:
    escaped = json.dumps(token).replace("/", r"\/").replace("+", r"\u002b")
    for body in (token, json.dumps(token), escaped):
        assert read_session(left + body + right) == token


@unhurried
@given(body=st.text())
def test_a_session_that_is_read_fits_a_header(body: str) -> None:
    token = read_session(body)

    assert token is None or (token and token.isascii() and token.isprintable() and not set(token) & set(' <>{}"'))


@pytest.mark.parametrize(
    "body",
    [
        "",
        '""',
        '"',
        "   ",
        "<html><body>Down for a release</body></html>",
        '{"code": -1, "message": "No"}',
        "two words",
        '"two words"',
        '"half a string',
        r'"\x"',
        r'"a\nb"',
        "ключ",
        "a" * 5000,
    ],
)
def test_what_cannot_be_a_session_is_not_taken_for_one(body: str) -> None:
    assert read_session(body) is None


@pytest.mark.parametrize("body", ["null", "[]", "true"])
def test_a_json_value_without_a_session_is_not_taken_for_one(body: str) -> None:
    assert read_session(body) is None


@pytest.mark.parametrize(
    "body", [b"{}", b"[1]", b"<html>", b'[{"ID":1]', b'"text"', b"[" * 100_000], ids=lambda b: str(b[:9])
)
def test_anything_but_a_list_of_rows_is_a_fault(body: bytes) -> None:
    with pytest.raises(Fault):
        read_rows(Answer(200, body, None))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'""', b" [ ] "])
def test_nothing_is_no_rows(body: bytes) -> None:
    assert read_rows(Answer(200, body, None)) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("margin", ["", "\r\n"])
def test_rows_are_read_in_every_encoding_of_unicode(encoding: str, margin: str) -> None:
    body = f'{margin}[{{"ID": 1, "FirstName": "Łukasz \U0001f600"}}]{margin}'.encode(encoding)

    assert list(read_rows(Answer(200, body, None))) == [{"ID": 1, "FirstName": "Łukasz \U0001f600"}]
    assert read_rows(Answer(200, f"{margin}[]{margin}".encode(encoding), None)) == []
    assert read_token(Answer(200, f'{margin}"abc+/="{margin}'.encode(encoding), None)) == "abc+/="


@pytest.mark.parametrize("body", [b"\xff\xfe[\0]", b"\xff\xfe\0\xd8", b"[\0{\0}"], ids=repr)
def test_half_a_character_of_utf_16_is_no_answer(body: bytes) -> None:
    with pytest.raises(Fault):
        read_rows(Answer(200, body, None))


def test_rows_of_names_that_are_known_say_the_same_as_dictionaries() -> None:
    decoder = RowDecoder()
    first: list[dict[str, Any]] = [
        {"ID": 1, "Hours-\u00e9": 1.5},
        {"ID": 2, "Tags": ["a", None, {"b": []}]},
    ]
    second: list[dict[str, Any]] = [{"Hours-\u00e9": None, "ID": "3"}, {"ID": 2, "ID2": 5}, {"Tags": {}, "ID": 2**70}]
    for is_known in (False, True, True):
        for rows in (first, second, second[:1], []):
            read = read_rows(Answer(200, json.dumps(rows).encode(), None), decoder)
            assert not (is_known and any(type(row) is dict for row in read))
            present = [{name: value for name, value in row.items() if value is not None} for row in rows]
            assert [{name: value for name, value in dict(row).items() if value is not None} for row in read] == present
            for name in ("ID", "Hours-\u00e9", "Tags", "ID2", "never"):
                expected = [row.get(name) for row in rows]
                assert [row.get(name) for row in read] == values_of(read, name) == expected
                assert list(columns_of(read).get(name, [None] * len(rows))) == expected


def test_rows_are_decoded_by_their_names_only_where_all_is_as_usual() -> None:
    decoder = RowDecoder()
    usual = Answer(200, b'[{"ID": 1}]', None)
    assert [type(row) is dict for _ in range(2) for row in read_rows(usual, decoder)] == [True, False]
    assert read_rows(Answer(200, b'[{"ID": "a\\u0000b"}]', None), decoder) == [{"ID": "a\ufffdb"}]
    assert read_rows(Answer(200, b'[{"Name": 1}]', None), decoder) == [{"Name": 1}]
    assert read_rows(Answer(200, b"", None), decoder) == read_rows(Answer(200, b"[]", None), decoder) == []
    for odd in (b"[1]", b'{"ID": 1}', b"<html>", b'[{"ID": 1}, null]'):
        with pytest.raises(Fault):
            read_rows(Answer(200, odd, None), decoder)


def test_rows_with_a_name_that_cannot_be_learned_are_read_all_the_same() -> None:
    decoder = RowDecoder()
    odd = Answer(200, json.dumps([{"ID": 1, 'First"\\Name': 2}]).encode(), None)
    for _ in range(2):
        assert list(map(dict, read_rows(odd, decoder))) == [{"ID": 1, 'First"\\Name': 2}]


def test_no_more_names_are_learned_than_a_kind_of_row_may_have() -> None:
    decoder = RowDecoder()
    many = Answer(200, json.dumps([{f"Key{number}": 1 for number in range(501)}]).encode(), None)
    assert all(type(row) is dict for _ in range(2) for row in read_rows(many, decoder))


def test_names_are_learned_beside_those_that_were_known_and_an_absent_field_has_none() -> None:
    decoder = RowDecoder()
    pages = [Answer(200, json.dumps([row]).encode(), None) for row in ({"ID": 1}, {"Name": "Ada"})]
    for page in pages:
        read_rows(page, decoder)
    (first,), (second,) = (read_rows(page, decoder) for page in pages)

    assert not any(isinstance(row, dict) for row in (first, second))
    assert (set(first.keys()), set(second.keys())) == ({"ID"}, {"Name"})


def test_rows_of_several_types_are_read_together() -> None:
    decoder = RowDecoder()
    page = Answer(200, b'[{"ID": 1}]', None)
    (plain,), (known,) = (read_rows(page, decoder) for _ in range(2))
    (other,) = read_rows(Answer(200, b'[{"Name": "Ada"}]', None), decoder)
    (wider,) = read_rows(page, decoder)

    for rows in ([known, wider, other, plain], [plain, other, wider, known]):
        ids = [None if row is other else 1 for row in rows]
        assert values_of(rows, "ID") == columns_of(rows)["ID"] == ids
        assert columns_of(rows)["Name"] == ["Ada" if row is other else None for row in rows]
