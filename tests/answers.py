"""What the marts of the dbt package must say, computed apart from the SQL, from OneFile's own records."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from tests.odd_learners import TODAY, late, moment, share_gone, uk_day
from tools.demo.postgres import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date

    from onefile_sandbox import Sandbox

    Row = dict[str, Any]
    Rows = dict[Any, Any]

LEFT = {"Completed", "Withdrawn", "Archive"}
BREAK = "Break in Learning"
PEOPLE = (
    "learners", "archived_learners", "trainee_assessors", "assessors", "iqas", "lead_iqas", "employers", "observers",
    "eqas", "centre_monitors", "user_managers", "centre_managers",
)  # fmt: skip


class OneFile:
    """What OneFile holds, put together as the marts do."""

    def __init__(self, sandbox: Sandbox, *, gone: Collection[int], without: Collection[str] = ()) -> None:
        """Read everything, without some streams that were not loaded.

        Args:
            sandbox: What stands in for OneFile.
            gone: Learners whom the last run has not found, as far as the tables say.
            without: The streams.
        """
        self.gone = gone
        self._without = without
        self._sandbox = sandbox
        self.learners = {row["ID"]: row for row in self.records("learners")}
        self.archived = {row["ID"]: row for row in self.records("archived_learners")}
        self.everyone = self.learners | self.archived
        self.here = {each: row for each, row in self.learners.items() if each not in gone}
        self.in_learning = {each: row for each, row in self.here.items() if self.status(row) not in {*LEFT, BREAK}}

    def records(self, stream: str) -> list[Row]:
        """Give a stream's records, with None for what is left out or empty."""
        rows = [] if stream in self._without else self._sandbox.records(stream, details=True)
        return [defaultdict(lambda: None, {name: value for name, value in row.items() if value != ""}) for row in rows]

    @cached_property
    def people(self) -> dict[int, Row]:
        """Everybody, by id."""
        return {row["ID"]: row | {"Stream": stream} for stream in PEOPLE for row in self.records(stream)}

    @cached_property
    def names(self) -> dict[str, dict[int, str]]:
        """The names of places, by stream and id."""
        return {
            stream: {row["ID"]: row[field] for row in self.records(stream)}
            for stream, field in (
                ("organisations", "Name"), ("placements", "Name"), ("classrooms", "Name"), ("standards", "Title"),
            )
        }  # fmt: skip

    @cached_property
    def _statuses(self) -> dict[str, dict[tuple[int, int], str]]:
        return {
            stream: {(row["OrganisationID"], row["ID"]): row["Name"] for row in self.records(stream)}
            for stream in ("learner_statuses", "learning_aim_statuses")
        }

    def status(self, learner: Row) -> str | None:
        """Name the status of a learner."""
        return self._statuses["learner_statuses"].get((learner["OrganisationID"], learner["LearnerStatusID"]))

    def aim_status(self, aim: Row) -> str | None:
        """Name the status of an aim."""
        learner, statuses = self.everyone.get(aim["UserID"]), self._statuses["learning_aim_statuses"]
        if learner:
            return statuses.get((learner["OrganisationID"], aim["Status"]))
        names = {name for (_, status), name in statuses.items() if status == aim["Status"]}
        return names.pop() if len(names) == 1 else None

    def name(self, user: int | None) -> str | None:
        """Name somebody."""
        person = self.people.get(user or 0)
        return " ".join(filter(None, (person["FirstName"], person["LastName"]))).strip() or None if person else None

    def about(self, learner: Row) -> Row:
        """Say what each list says of a learner."""
        return {
            "customer": SCHEMA,
            "learner": self.name(learner["ID"]),
            "organisation": self.names["organisations"][learner["OrganisationID"]],
            "status": self.status(learner),
            "assessor_id": learner["DefaultAssessorID"] or None,
            "assessor": self.name(learner["DefaultAssessorID"]),
        }


def expectations(onefile: OneFile) -> dict[str, tuple[tuple[str, ...], Rows]]:
    """Say of each mart which columns tell its rows apart, and what stands in the others."""
    return {
        "onefile_learners": (("learner_id",), _learners(onefile)),
        "onefile_caseload": (("assessor_id",), _caseload(onefile)),
        "onefile_assessors": (("assessor_id",), _assessors(onefile)),
        "onefile_learner_rag": (("learner_id",), _rag(onefile)),
        "onefile_progress": (("learner_id",), _progress(onefile)),
        "onefile_past_planned_end": (("learner_id",), _past_planned_end(onefile)),
        "onefile_reviews": (("review_id",), _reviews(onefile)),
        "onefile_reviews_due": (("learner_id",), _reviews_due(onefile)),
        "onefile_reviews_signed_late": (("review_id",), _reviews_signed_late(onefile)),
        "onefile_off_the_job": (("learner_id",), _off_the_job(onefile)),
        "onefile_no_timesheet": (("learner_id",), _no_timesheet(onefile)),
        "onefile_plans": (("plan_id",), _plans(onefile)),
        "onefile_aims": (("learning_aim_id",), _aims(onefile)),
        "onefile_achievement": (("standard_id", "funding_year"), _achievement(onefile)),
        "onefile_periods": (("funding_year", "period"), _periods(onefile)),
        "onefile_gateway": (("learner_id",), _gateway(onefile)),
        "onefile_breaks": (("learner_id",), _breaks(onefile)),
        "onefile_unused_places": (("kind", "id"), _unused_places(onefile)),
        "onefile_data_quality": (("learner_id", "problem"), _data_quality(onefile)),
        "onefile_equality": (("learner_id", "field"), _equality(onefile)),
        "onefile_gone": (("learner_id",), _gone(onefile)),
        "onefile_weeks": (("organisation_id", "status", "in_learning"), _weeks(onefile)),
    }


def _learners(onefile: OneFile) -> Rows:
    return {
        (each,): {
            **onefile.about(row),
            "misid": row["MISID"],
            "uln": row["ULN"],
            "date_of_birth": _iso(uk_day(row["DOB"])),
            "started": _iso(uk_day(row["StartOn"])),
            "planned_end": _iso(uk_day(row["PlannedEndDate"])),
            "progress": _about(row["Progress"], 0.0051),
            "in_learning": each in onefile.in_learning,
            "is_gone": each in onefile.gone,
            "on_break": each in onefile.here and onefile.status(row) == BREAK,
            "is_archived": each in onefile.archived,
            "employer_id": row["DefaultEmployerID"] or None,
            "employer": onefile.name(row["DefaultEmployerID"]),
            "placement": onefile.names["placements"].get(row["PlacementID"]),
            "classroom": onefile.names["classrooms"].get(row["ClassroomID"]),
        }
        for each, row in onefile.everyone.items()
    }


def _caseload(onefile: OneFile) -> Rows:
    kinds: dict[str, Callable[[Row], bool]] = {
        "learners": lambda row: row["ID"] in onefile.in_learning,
        "on_break": lambda row: row["ID"] in onefile.here and onefile.status(row) == BREAK,
        "others": lambda row: row["ID"] not in onefile.here or onefile.status(row) in LEFT,
    }
    counts = {
        kind: Counter(row["DefaultAssessorID"] for row in onefile.everyone.values() if is_one(row))
        for kind, is_one in kinds.items()
    }
    return {
        (each,): {
            "assessor": onefile.name(each),
            "organisation": onefile.names["organisations"][row["OrganisationID"]],
            "role": row["Stream"].removesuffix("s").replace("_", " "),
            **{kind: counts[kind][each] for kind in kinds},
        }
        for each, row in onefile.people.items()
        if row["Stream"] in {"assessors", "trainee_assessors"}
    }


def _assessors(onefile: OneFile) -> Rows:
    rag = {each: row for (each,), row in _rag(onefile).items()}
    rows = {}
    for (assessor,), row in _caseload(onefile).items():
        own = [each for each in rag.values() if each["assessor_id"] == assessor]
        rows[assessor,] = {
            "learners": row["learners"],
            **{colour: sum(each["rag"] == colour for each in own) for colour in ("red", "amber", "green")},
            "past_planned_end": sum(each["is_past_planned_end"] for each in own),
            "reviews_overdue": sum(each["is_review_overdue"] for each in own),
        }
    return rows


def _rag(onefile: OneFile) -> Rows:
    ahead = {each: row["ahead"] for (each,), row in _progress(onefile).items()}
    hours = {each: row["ahead"] for (each,), row in _off_the_job(onefile).items()}
    due = {each: row["due"] for (each,), row in _reviews_due(onefile).items()}
    rows = {}
    for each, row in onefile.in_learning.items():
        end = uk_day(row["PlannedEndDate"])
        is_past, is_overdue = bool(end and end < TODAY), due[each] == "overdue"
        points = _plain(ahead.get(each))
        if is_past or is_overdue or (points is not None and points < -20):
            colour = "red"
        elif (
            due[each] == "due within four weeks" or (_plain(hours.get(each)) or 0) < 0 or points is None or points < -10
        ):
            colour = "amber"
        else:
            colour = "green"
        rows[each,] = {
            **onefile.about(row), "rag": colour, "is_past_planned_end": is_past, "is_review_overdue": is_overdue,
        }  # fmt: skip
    return rows


def _progress(onefile: OneFile) -> Rows:
    return {
        (each,): {
            **onefile.about(row),
            "expected": _about(100 * share[0]),
            "ahead": None if row["Progress"] is None else _about(row["Progress"] - 100 * share[0]),
        }
        for each, row in onefile.in_learning.items()
        if (share := share_gone(row))
    }


def _past_planned_end(onefile: OneFile) -> Rows:
    return {
        (each,): {**onefile.about(row), "days_past": (TODAY - end).days}
        for each, row in onefile.in_learning.items()
        if (end := uk_day(row["PlannedEndDate"])) and end < TODAY
    }


def _reviews(onefile: OneFile) -> Rows:
    rows = {}
    for review in onefile.records("reviews"):
        learner = onefile.everyone.get(review["LearnerID"])
        scheduled, held = uk_day(review["ScheduledFor"]), uk_day(review["StartedOn"])
        signed = {who: moment(review[f"{who}SignedOn"]) for who in ("Assessor", "Learner", "Employer")}
        stage = next(
            (f"signed by the {who.lower()}" for who in ("Employer", "Learner", "Assessor") if signed[who]),
            "started" if held else "scheduled",
        )
        assessor = review["AssessorID"] or (learner["DefaultAssessorID"] if learner else None) or None
        rows[review["ID"],] = {
            "learner": onefile.name(review["LearnerID"]),
            "in_learning": review["LearnerID"] in onefile.in_learning,
            "assessor_id": assessor,
            "assessor": onefile.name(assessor),
            "scheduled_on": _iso(scheduled),
            "held_on": _iso(held),
            "stage": stage,
            "due": None if held or not scheduled else "overdue" if scheduled < TODAY else "due",
            "days_overdue": (TODAY - scheduled).days if not held and scheduled and scheduled < TODAY else None,
            "reason": late(signed["Assessor"], signed["Learner"]) if held else None,
            "has_employer_signed": signed["Employer"] is not None if held else None,
        }
    return rows


def _last_reviews(onefile: OneFile) -> dict[int, date]:
    held: dict[int, date] = {}
    for review in onefile.records("reviews"):
        day = uk_day(review["StartedOn"])
        if day and day <= TODAY:
            held[review["LearnerID"]] = max(day, held.get(review["LearnerID"], day))
    return held


def _reviews_due(onefile: OneFile) -> Rows:
    held = _last_reviews(onefile)
    rows = {}
    for each, row in onefile.in_learning.items():
        since = held.get(each) or uk_day(row["StartOn"])
        due_on = since + timedelta(weeks=10) if since else None
        if not due_on:
            due = "no review, and no start"
        elif due_on < TODAY:
            due = "overdue"
        else:
            due = "due within four weeks" if due_on < TODAY + timedelta(weeks=4) else "later"
        rows[each,] = {
            **onefile.about(row),
            "last_review": _iso(held.get(each)),
            "due_on": _iso(due_on),
            "days_without": (TODAY - since).days if since else None,
            "due": due,
        }
    return rows


def _reviews_signed_late(onefile: OneFile) -> Rows:
    since = TODAY - timedelta(weeks=13)
    return {
        key: {name: row[name] for name in ("learner", "assessor_id", "assessor", "reason", "has_employer_signed")}
        for key, row in _reviews(onefile).items()
        if row["in_learning"]
        and row["held_on"]
        and since.isoformat() <= row["held_on"] <= TODAY.isoformat()
        and (row["reason"] or not row["has_employer_signed"])
    }


def _off_the_job(onefile: OneFile) -> Rows:
    rows = {}
    for hours in onefile.records("off_the_job"):
        learner = onefile.in_learning.get(hours["ID"])
        if learner and hours["PlannedOTJ"]:
            share, done = share_gone(learner), hours["CachedActualHours"] or 0
            rows[hours["ID"],] = {
                **onefile.about(learner),
                "planned": _about(hours["PlannedOTJ"]),
                "minimum": _about(hours["MinimumOTJ"]),
                "done": _about(done),
                "ahead": _about(done - hours["PlannedOTJ"] * share[0]) if share else None,
            }
    return rows


def _no_timesheet(onefile: OneFile) -> Rows:
    last: dict[int, date] = {}
    for entry in onefile.records("timesheets"):
        day, begun = uk_day(entry["ToDate"] or entry["FromDate"]), uk_day(entry["FromDate"] or entry["ToDate"])
        if day and begun and begun <= TODAY:
            last[entry["LearnerID"]] = max(day, last.get(entry["LearnerID"], day))
    rows = {}
    for each, row in onefile.in_learning.items():
        since = last.get(each) or uk_day(row["StartOn"])
        days = (TODAY - since).days if since else None
        if days is None or days > 28:
            rows[each,] = {**onefile.about(row), "last_entry": _iso(last.get(each)), "days_without": days}
    return rows


def _plans(onefile: OneFile) -> Rows:
    rows = {}
    for plan in onefile.records("plans"):
        unsigned = [who for who in ("assessor", "learner") if not moment(plan[f"{who.capitalize()}SignedOn"])]
        signatures = {
            0: "both have signed",
            1: f"the {' '.join(unsigned)} has not signed",
            2: "nobody has signed",
        }
        rows[plan["ID"],] = {
            "learner": onefile.name(plan["LearnerID"]),
            "made_on": _iso(uk_day(plan["PlanOn"])),
            "title": plan["Title"],
            "signatures": signatures[len(unsigned)],
        }
    return rows


def _aims(onefile: OneFile) -> Rows:
    rows = {}
    for aim in onefile.records("learning_aims"):
        end, achieved = uk_day(aim["PlannedEnd"]), uk_day(aim["AchievedDate"])
        outcome = "in learning"
        if achieved and achieved <= TODAY:
            outcome = "achieved"
        elif onefile.aim_status(aim) in {"Withdrawn", "Transferred"}:
            outcome = "withdrawn"
        elif end and end < TODAY:
            outcome = "past the planned end"
        rows[aim["ID"],] = {
            "learner": onefile.name(aim["UserID"]),
            "standard_id": aim["StandardID"] or None,
            "standard": onefile.names["standards"].get(aim["StandardID"]),
            "aim_status": onefile.aim_status(aim),
            "started": _iso(uk_day(aim["StartDate"])),
            "planned_end": _iso(end),
            "achieved_on": _iso(achieved),
            "outcome": outcome,
            "is_timely": (achieved - end).days <= 90 if outcome == "achieved" and achieved and end else None,
            "start_year": _year(uk_day(aim["StartDate"])),
            "start_period": _period(uk_day(aim["StartDate"])),
            "planned_end_year": _year(end),
            "planned_end_period": _period(end),
            "achieved_year": _year(achieved),
            "achieved_period": _period(achieved),
        }
    return rows


def _achievement(onefile: OneFile) -> Rows:
    names = {
        "achieved": "achieved",
        "withdrawn": "withdrawn",
        "past the planned end": "past_planned_end",
        "in learning": "in_learning",
    }
    counts: dict[Any, Counter[str]] = defaultdict(Counter)
    for aim in _aims(onefile).values():
        if not aim["planned_end_year"] and not (aim["outcome"] == "achieved" and aim["achieved_year"]):
            continue
        end = aim["planned_end_year"]
        if aim["outcome"] == "achieved" and (not aim["planned_end"] or aim["achieved_on"] > aim["planned_end"]):
            end = aim["achieved_year"]
        if end:
            counts[aim["standard_id"], end].update(("aims_ending", names[aim["outcome"]]))
        if aim["planned_end_year"]:
            counts[aim["standard_id"], aim["planned_end_year"]].update(
                ("aims_planned_to_end", *(["timely"] if aim["is_timely"] else []))
            )
    return {
        key: {
            **{name: count[name] for name in ("aims_ending", "aims_planned_to_end", "timely", *names.values())},
            "achievement_rate": _about(100 * count["achieved"] / count["aims_ending"])
            if count["aims_ending"]
            else None,
            "timely_rate": _about(100 * count["timely"] / count["aims_planned_to_end"])
            if count["aims_planned_to_end"]
            else None,
        }
        for key, count in counts.items()
    }


def _periods(onefile: OneFile) -> Rows:
    counts: dict[Any, Counter[str]] = defaultdict(Counter)
    for aim in _aims(onefile).values():
        for column, what in (("start", "starts"), ("planned_end", "planned_ends"), ("achieved", "achieved")):
            if aim[f"{column}_year"] and (what != "achieved" or aim["outcome"] == "achieved"):
                counts[aim[f"{column}_year"], aim[f"{column}_period"]][what] += 1
    return {
        key: {name: count[name] for name in ("starts", "planned_ends", "achieved")} for key, count in counts.items()
    }


def _gateway(onefile: OneFile) -> Rows:
    hours = {row["ID"]: row for row in onefile.records("off_the_job")}
    rows = {}
    for each, row in onefile.in_learning.items():
        if row["Progress"] is not None and row["Progress"] >= 100:
            own = hours.get(each)
            if own is None or not own["MinimumOTJ"]:
                gateway = "hours are not known"
            else:
                gateway = "ready" if (own["CachedActualHours"] or 0) >= own["MinimumOTJ"] else "hours are missing"
            done = _about(own["CachedActualHours"] or 0) if own else None
            rows[each,] = {**onefile.about(row), "gateway": gateway, "hours_done": done}
    return rows


def _breaks(onefile: OneFile) -> Rows:
    held = _last_reviews(onefile)
    return {
        (each,): {**onefile.about(row), "last_review": _iso(held.get(each)), "is_start_known": False}
        for each, row in onefile.here.items()
        if onefile.status(row) == BREAK
    }


def _unused_places(onefile: OneFile) -> Rows:
    used = {name: {row[name] for row in onefile.here.values()} for name in ("PlacementID", "ClassroomID")}
    others = Counter(row["PlacementID"] for kind in ("employers", "observers") for row in onefile.records(kind))
    placements = {
        ("placement", row["ID"]): {"name": row["Name"], "other_people": others[row["ID"]]}
        for row in onefile.records("placements")
        if row["Active"] is not False and row["ID"] not in used["PlacementID"]
    }
    return placements | {
        ("classroom", row["ID"]): {"name": row["Name"], "other_people": None}
        for row in onefile.records("classrooms")
        if row["Archive"] is not True and row["ID"] not in used["ClassroomID"]
    }


def _data_quality(onefile: OneFile) -> Rows:
    learners = onefile.here.values()
    ulns = Counter(row["ULN"] for row in learners)
    misids = Counter(_squeezed(row["MISID"]) for row in learners)
    assessors = {row["ID"] for kind in ("assessors", "trainee_assessors") for row in onefile.records(kind)}
    rows: Rows = {}
    for each, row in onefile.in_learning.items():
        start, end, assessor = uk_day(row["StartOn"]), uk_day(row["PlannedEndDate"]), row["DefaultAssessorID"] or None
        uln, misid = row["ULN"], row["MISID"]
        problems = {
            "no ULN": uln is None,
            "ULN is not ten digits": uln is not None and not (len(uln) == 10 and uln.isdecimal()),
            "ULN is doubled": uln is not None and ulns[uln] > 1 and str(ulns[uln]),
            "no MISID": misid is None,
            "MISID is doubled": misid is not None and misids[_squeezed(misid)] > 1 and str(misids[_squeezed(misid)]),
            "no assessor": assessor is None,
            "no assessor has this id": assessor is not None and assessor not in assessors and str(assessor),
            "no status": not row["LearnerStatusID"],
            "no start": start is None,
            "no planned end": end is None,
            "planned end is not after the start": bool(start and end and end <= start),
        }
        rows |= {
            (each, problem): {**onefile.about(row), "detail": found if isinstance(found, str) else None}
            for problem, found in problems.items()
            if found
        }
    return rows


def _equality(onefile: OneFile) -> Rows:
    meanings = {("L12", "31"): "White", ("L15", "4"): "other physical disability"}
    meanings |= {("PrimaryLLDDCode", "4"): "vision impairment", ("L13", "F"): "female"}
    rows: Rows = {}
    for each, row in onefile.learners.items():
        for field in ("L12", "L13", "L14", "L15", "L16", "PrimaryLLDDCode"):
            if row[field] is not None:
                code = str(row[field])
                known = meanings.get((field, code))
                rows[each, field] = {"code": code, **({"meaning": known} if known else {})}
    return rows


def _gone(onefile: OneFile) -> Rows:
    return {
        (each,): {
            "learner": onefile.name(each),
            "last_found": "2025-08-25",
            "reason": "the last run did not find it",
        }
        for each in onefile.gone
    }


def _weeks(onefile: OneFile) -> Rows:
    counts = Counter(
        (row["OrganisationID"], onefile.status(row), each in onefile.in_learning)
        for each, row in onefile.everyone.items()
    )
    return {key: {"learners": count} for key, count in counts.items()}


def _squeezed(text: str | None) -> str | None:
    return "".join((text or "").split()).upper() or None


def digits(text: str | None) -> str | None:
    """Leave out all but the digits."""
    return None if text is None else "".join(filter(str.isdigit, text))


def _year(day: date | None) -> str | None:
    if not day:
        return None
    first = day.year - (day.month < 8)
    return f"{first}/{(first + 1) % 100:02}"


def _period(day: date | None) -> str | None:
    return f"R{(day.month - 8) % 12 + 1:02}" if day else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _about(number: float | None, by: float = 0.051) -> Any:  # noqa: ANN401 - pytest gives its own kind
    return None if number is None else pytest.approx(number, abs=by)


def _plain(approximate: Any) -> float | None:  # noqa: ANN401 - as above
    return None if approximate is None else round(float(approximate.expected), 1)
