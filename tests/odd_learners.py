"""Learners of whom each is a case of its own, and what to expect of them, computed from OneFile's records."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from onefile_sandbox import Sandbox

    Row = dict[str, Any]

TODAY = date(2025, 9, 1)
LONDON = ZoneInfo("Europe/London")
NOT_SET = "1900-01-01T00:00:00Z"


def make_odd(sandbox: Sandbox) -> None:
    """Make learners, reviews and places odd."""
    world = sandbox.world
    a, b, c, d, e, f, *_ = world.ids("learners")
    world.change("learners", a, DefaultAssessorID=999, StartOn=None)
    world.change("learners", b, DefaultAssessorID=0, StartOn=NOT_SET, PlannedEndDate=NOT_SET)
    # The first minute of a UK day in summer is a minute of the day before to OneFile.
    world.change("learners", c, DefaultAssessorID=None, PlannedEndDate="2025-08-31T23:00:00Z")
    world.change("learners", d, PlannedEndDate="2025-08-30T23:00:00Z", StartOn="2024-08-30T23:00:00Z", Progress=None)
    world.change("learners", e, StartOn="2026-01-05T00:00:00Z", PlannedEndDate="2027-01-05T00:00:00Z")
    for learner in (a, b):
        for review in [each["ID"] for each in sandbox.records("reviews", details=True) if each["LearnerID"] == learner]:
            world.remove("reviews", review)
    trainee, *_ = world.ids("trainee_assessors")
    world.change("learners", f, DefaultAssessorID=int(str(trainee)))
    world.change("off_the_job", f, CachedActualHours=None)
    signatures = [
        (None, NOT_SET),
        (NOT_SET, "2025-08-04T10:00:00Z"),
        ("2025-08-04T10:00:00Z", None),
        ("2025-08-04T10:00:00Z", "2025-08-04T10:30:00Z"),
        ("2025-08-04T10:00:00Z", "2025-08-04T10:31:00Z"),
        ("2025-08-04T10:31:00Z", "2025-08-04T10:00:00Z"),
    ]
    for by_assessor, by_learner in signatures:
        review = world.add(
            "reviews", LearnerID=c, ScheduledFor="2025-08-04T09:00:00Z", StartedOn="2025-08-04T09:00:00Z"
        )
        world.change("reviews", int(str(review["ID"])), AssessorSignedOn=by_assessor, LearnerSignedOn=by_learner)
    world.add("assessors", FirstName="Nobody's", LastName="Assessor")
    world.add("placements", Name="Unused Site", Active=True)
    world.add("classrooms", Name="Unused Class", Archive=False)
    # Ten weeks ago to the day, and a day more.
    for learner, held in ((d, "2025-06-23T09:00:00Z"), (e, "2025-06-22T09:00:00Z")):
        for review in [each["ID"] for each in sandbox.records("reviews", details=True) if each["LearnerID"] == learner]:
            world.remove("reviews", review)
        world.add("reviews", LearnerID=learner, ScheduledFor=held, StartedOn=held)
    _make_odd_ids(sandbox)


def _make_odd_ids(sandbox: Sandbox) -> None:
    """Give twenty learners ids of which each is a case of its own; `mis_rows` makes the other side."""
    for number, learner in enumerate(sandbox.world.ids("learners")[20:40]):
        ids: Row = {"MISID": f"ODD{number:02}", "ULN": f"10000000{number:02}", "Email": f"odd{number}@example.org"}
        odd: dict[int, Row] = {
            2: {"MISID": None},
            3: {"MISID": "OTHER3"},
            4: {"MISID": "SAME4"},
            5: {"MISID": "same4 "},
            7: {"MISID": None, "ULN": "9999999999"},
            8: {"MISID": "OTHER8", "ULN": None},
            10: {"MISID": None, "ULN": None},
            13: {"MISID": None, "ULN": "9999999999", "Email": None},
            14: {"MISID": "TWICE"},
            15: {"MISID": "TWICE"},
        }
        sandbox.world.change("learners", learner, **ids | odd.get(number, {}))


def mis_rows(sandbox: Sandbox) -> list[tuple[str | None, str | None, str | None, str]]:
    """Give the learners of an MIS: MISID, ULN, e-mail address and name."""
    rows: list[tuple[str | None, str | None, str | None, str]] = [
        ("ODD00", "1000000000", "ODD0@example.org", "exact"),
        (" odd 01\u00a0", None, None, "spelt otherwise"),
        ("ODD02", "1000000002", None, "by ULN, no MISID"),
        ("ODD03", " 10000 00003 ", None, "by ULN, another MISID"),
        ("SAME4", None, None, "doubled in OneFile"),
        ("ODD06", "1000000099", None, "another ULN"),
        ("ODD07", "9999999999", " Odd7@Example.ORG", "by email"),
        ("ODD08", None, "odd8@example.org", "by email, another MISID"),
        ("ODD09", None, None, "doubled in the MIS"),
        ("ODD09", None, None, "doubled in the MIS, too"),
        (None, None, "odd10@example.org", "no MISID in the MIS, by email"),
        (" ", "1000000011", None, "no MISID in the MIS, by ULN"),
        ("NEW1", "9999999999", "", "only in the MIS"),
        ("NEW2", "", "", "new and doubled"),
        ("NEW2", None, None, "new and doubled, too"),
        ("", "", None, "nothing at all"),
        ("ODD16", "1000000017", None, "MISID of one, ULN of another"),
        ("ODD18", "1000000018", "odd19@example.org", "has the address of one who is only in OneFile"),
        ("NEW3", None, "odd0@example.org", "has the address of one who is in both"),
    ]
    # The others are as they are in OneFile, but for every fifth.
    rows += [
        (learner.get("MISID"), learner.get("ULN"), learner.get("Email"), f"learner {learner['ID']}")
        for learner in sandbox.records("learners")[:20]
        if learner["ID"] % 5
    ]
    return rows


def late(by_assessor: datetime | None, by_learner: datetime | None) -> str | None:
    """Say which signature of a review is missing, or over half an hour after the other."""
    if not by_assessor or not by_learner:
        unsigned = [who for who, moment in (("assessor", by_assessor), ("learner", by_learner)) if not moment]
        return "nobody has signed" if len(unsigned) == 2 else f"the {unsigned[0]} has not signed"
    if abs(by_learner - by_assessor) <= timedelta(minutes=30):
        return None
    return "the learner signed late" if by_learner > by_assessor else "the assessor signed late"


def share_gone(learner: Row) -> tuple[float] | None:
    """Give the share of an episode that has gone, where both of its dates are known."""
    start, end = uk_day(learner["StartOn"]), uk_day(learner["PlannedEndDate"])
    if not start or not end or end <= start:
        return None
    return (min(1, max(0, (TODAY - start) / (end - start))),)


def moment(text: str | None) -> datetime | None:
    """Read a timestamp that is set."""
    read = datetime.fromisoformat(text) if text else None
    return read if read and read.year > 1900 else None


def uk_day(text: str | None) -> date | None:
    """Give the day in the United Kingdom."""
    read = moment(text)
    return read.astimezone(LONDON).date() if read else None
