"""What a record is before it is sent, however it will be spelled."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Union

Value = Union[str, int, float, bool, datetime, "list[str]", None]
Row = dict[str, Any]
"""A `Value` for each field."""
Key = int | str
"""What a record is known by within its stream: a number, save for units."""
