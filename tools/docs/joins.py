"""How the tables join: the table of it, and its entity-relationship diagram."""

from __future__ import annotations

from typing import NamedTuple

from tap_onefile.streams import STREAMS
from tools.docs.picture import STYLE

_WIDTH, _LEFT, _RIGHT, _ROW, _HEAD, _GAP = 360, 148, 164, 17, 26, 10
_KEYS = {stream.name: tuple(stream.primary_keys) for stream in STREAMS}
_ORGANISATION = "OrganisationID"


class Join(NamedTuple):
    """A field that holds the id of another table's record."""

    table: str
    field: str
    to: str
    remark: str = ""

    @property
    def keys(self) -> str:
        """What the other table's record is found by."""
        return " and ".join(f"`{self.to}.{key}`" for key in _KEYS[self.to])


_ARCHIVED = "or `archived_learners.ID`"
_NOT_ALL = "left join: the look-up may lack a status; the organisation is the learner's"
JOINS = (
    Join("learners", "DefaultAssessorID", "assessors", "or `trainee_assessors.ID`"),
    Join("learners", "DefaultEmployerID", "employers"),
    Join("learners", "ClassroomID", "classrooms"),
    Join("learners", "PlacementID", "placements"),
    Join("learners", "ProviderID", "providers"),
    Join("learners", "LearnerStatusID", "learner_statuses"),
    Join("employers", "PlacementID", "placements", "the same in all tables of people"),
    Join("employers", "ProviderID", "providers", "the same in all tables of people"),
    Join("learning_aims", "UserID", "learners", _ARCHIVED),
    Join("learning_aims", "StandardID", "standards"),
    Join("learning_aims", "Status", "learning_aim_statuses", _NOT_ALL),
    Join("reviews", "LearnerID", "learners", _ARCHIVED),
    Join("reviews", "AssessorID", "assessors", "0 until the assessor signs"),
    Join("reviews", "EmployerID", "employers"),
    Join("plans", "LearnerID", "learners", _ARCHIVED),
    Join("off_the_job", "ID", "learners", "its own key is the learner's id"),
    Join("timesheets", "LearnerID", "learners"),
    Join("unit_summaries", "UserID", "learners"),
    Join("unit_summaries", "LearningAimID", "learning_aims"),
    Join("unit_summaries", "UnitID", "units", "the standard is the aim's"),
    Join("units", "StandardID", "standards"),
    Join("assigned_standards", "ID", "standards"),
    Join("organisations", "CustomerID", "customers"),
)
_PARTS = (
    ("A learner", ("learners", "employers")),
    ("What belongs to a learner", ("reviews", "plans", "off_the_job", "timesheets", "learning_aims", "unit_summaries")),
    ("Qualifications and organisations", ("units", "assigned_standards", "organisations")),
)


def table() -> str:
    """Make the table of the joins."""
    lines = ["| Field | Points to | Remark |", "| --- | --- | --- |"]
    lines += [f"| `{each.table}.{each.field}` | {each.keys} | {each.remark} |" for each in JOINS]
    lines.append(f"| `{_ORGANISATION}`, in any table | `organisations.ID` |  |")
    lines.append("| any field of `archived_learners` | as in `learners` |  |")
    return "\n".join(lines)


def diagram() -> str:
    """Draw the tables with the fields that point to others, and with the keys that they point to.

    Returns:
        The elements of an SVG that is as narrow as a phone.
    """
    parts: list[str] = []
    top = 0
    for title, tables in _PARTS:
        drawn, top = _part(title, tables, top)
        parts += drawn
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" role="img">',
            "<title>The tables, with the fields that point from one to another</title>",
            f"<style>\n{STYLE}\n</style>",
            *parts,
            "</svg>",
        )
    )


def _part(title: str, tables: tuple[str, ...], top: int) -> tuple[list[str], int]:
    joins = [each for table in tables for each in JOINS if each.table == table]
    targets = list(dict.fromkeys(each.to for each in joins))
    start = top + _HEAD
    left = sum(_height(len([each for each in joins if each.table == table])) + _GAP for table in tables)
    right = sum(_height(len(_KEYS[target])) + _GAP for target in targets)
    height = max(left, right)
    parts = [f'<text class="head" x="2" y="{top + 16}">{title}</text>']
    ends: dict[str, int] = {}
    y = start + (height - right) // 2
    for target in targets:
        parts.append(_card(_WIDTH - _RIGHT - 1, y, _RIGHT, target, [f"{key} (key)" for key in _KEYS[target]]))
        ends[target] = y + _HEAD // 2
        y += _height(len(_KEYS[target])) + _GAP
    y = start + (height - left) // 2
    for table in tables:
        rows = [each for each in joins if each.table == table]
        parts.append(_card(1, y, _LEFT, table, [each.field for each in rows]))
        for place, each in enumerate(rows):
            row = y + _HEAD + _ROW * place + _ROW // 2 - 2
            parts.append(_line(1 + _LEFT, row, _WIDTH - _RIGHT - 1, ends[each.to]))
        y += _height(len(rows)) + _GAP
    return parts, start + height + _GAP


def _height(rows: int) -> int:
    return _HEAD + _ROW * rows + 2


def _card(left: int, top: int, width: int, title: str, rows: list[str]) -> str:
    lines = [
        f'<rect class="card" x="{left}" y="{top}" width="{width}" height="{_height(len(rows))}" rx="6"/>',
        f'<text class="head" x="{left + 8}" y="{top + 17}">{title}</text>',
    ]
    lines += [
        f'<text x="{left + 8}" y="{top + _HEAD + 10 + _ROW * place}">{row}</text>' for place, row in enumerate(rows)
    ]
    return "\n".join(lines)


def _line(left: int, start: int, right: int, end: int) -> str:
    bend = (left + right) // 2
    return f'<path class="line" d="M{left} {start} C{bend} {start} {bend} {end} {right} {end}"/>'
