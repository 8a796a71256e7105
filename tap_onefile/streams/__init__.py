"""Every stream, in reading order: the table of contents of OneFile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_onefile.streams.organisations import Customers, Organisations
from tap_onefile.streams.people import Assessors, Learners
from tap_onefile.streams.places import Classrooms, Placements

if TYPE_CHECKING:
    from tap_onefile.streams.base import OneFileStream

STREAMS: tuple[type[OneFileStream], ...] = (
    Customers,
    Organisations,
    Assessors,
    Learners,
    Classrooms,
    Placements,
)
