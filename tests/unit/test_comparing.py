"""The comparison behind `make targets` sees whatever a loader can do wrong."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from tools.loaders.comparing import differences, same

RECORD = {"ID": 1, "Name": "Siân", "Seen": "2026-01-31T09:30:00.000000Z", "None": None}


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (None, ""),
        (None, None),
        (1, "1"),
        (1.5, Decimal("1.50")),
        (True, "True"),
        (False, False),
        (["a", "b"], "['a', 'b']"),
        (["a"], '["a"]'),
        ("2026-01-31T09:30:00.000000Z", datetime(2026, 1, 31, 9, 30)),  # noqa: DTZ001 - as PostgreSQL gives it
        ("2026-01-31T09:30:00.000000Z", "2026-01-31 09:30:00+00:00"),
        ("a\r\nb", "a\r\nb"),
    ],
)
def test_the_same_value_is_known_in_any_spelling(value: object, held: object) -> None:
    assert same(value, held)


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (None, "x"),
        (None, 0),
        ("x", None),
        (0, ""),
        (1, 2),
        (1, "one"),
        (True, "False"),
        (["a"], "['b']"),
        ("2026-01-31T09:30:00.000000Z", datetime(2026, 1, 31, 9, 31)),  # noqa: DTZ001 - as PostgreSQL gives it
        ("2026-01-31T09:30:00.000000Z", "soon"),
        ("a\r\nb", "a\nb"),
        ("Siân", "Sian"),
        (" x", "x"),
    ],
)
def test_another_value_is_not(value: object, held: object) -> None:
    assert not same(value, held)


def test_equal_rows_in_lower_case_and_with_more_columns_do_not_differ() -> None:
    assert not differences([RECORD], [{"id": "1", "name": "Siân", "seen": RECORD["Seen"], "_sdc_x": 1}], ["ID"])


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "1 keys are missing"),
        ([RECORD, RECORD], "1 rows have the key of another"),
        ([RECORD, RECORD | {"ID": 2}], "2 rows, not 1"),
        ([RECORD | {"Name": "Sian"}], "Name differs in 1 rows"),
    ],
)
def test_each_difference_is_told(rows: list[dict[str, object]], told: str) -> None:
    assert told in differences([RECORD], rows, ["ID"])
