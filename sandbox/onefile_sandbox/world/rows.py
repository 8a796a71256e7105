"""What a record is before it is sent: the truth, whatever way it will be told."""

from __future__ import annotations

from datetime import datetime
from typing import Union

Value = Union[str, int, float, bool, datetime, "list[str]", None]
Row = dict[str, Value]
Key = int | str
"""What a record is known by within its stream: a number, save for units."""
