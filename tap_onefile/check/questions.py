"""What nobody outside OneFile knows, as a table: each question with how its answer is read from what came.

An answer is put together from words that stand here, names of fields, and how many rows a page may hold: never from a
value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tap_onefile.check.fields import (
    RULES,
    WORDS,
    answers,
    converts,
    described,
    is_plain_name,
    known_in,
    listed,
    shape_of,
    timestamp,
    type_of,
    unknown_fields,
    values,
)
from tap_onefile.check.probes import (
    AIMS,
    ARCHIVED,
    ASSESSORS,
    LARGE,
    LEARNERS,
    LIST,
    NOTHING_THERE,
    PAGE,
    RECORD,
    ROWS,
    SMALL,
    UNPAGED,
)
from tap_onefile.extract.query import normalised
from tap_onefile.records.shaper import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_onefile.check.probes import Recorder, Seen

AS_ASSUMED, OTHERWISE, NOT_SEEN = "as assumed", "otherwise", "not seen"

_SENTINELS = {"1900-01-01": "1 January 1900", "0001-01-01": "1 January of the year 1"}
"""Days that stand for none, in words, as somebody's date of birth may be spelled the same."""
_FEW = 3
"""Rows from which an order can be seen."""


class Finding(NamedTuple):
    """The answer to a question."""

    verdict: str
    seen: str
    tap: str = ""
    """What the tap does, where the answer is not the one assumed."""


def _assumed(seen: str) -> Finding:
    return Finding(AS_ASSUMED, seen)


def _otherwise(seen: str, tap: str) -> Finding:
    return Finding(OTHERWISE, seen, tap)


def _not_seen(why: str) -> Finding:
    return Finding(NOT_SEEN, why)


def _refused(answer: str, tap: str) -> Finding | None:
    return _otherwise(f"status {answer}", tap) if answer.isdecimal() else None


_NO_LEARNERS = _not_seen("there were not enough learners to tell, or they could not be read")


# The login.


def _session(_: Seen, recorder: Recorder) -> Finding:
    around = " and ".join(
        what for mark, what in (('"', "in quotes"), (" ", "with blanks around it")) if mark in recorder.session
    )
    if around:
        return _otherwise(f"the session comes {around}", "It takes off what surrounds the session.")
    return _assumed("the session comes as plain text")


def _dead_session(_: Seen, recorder: Recorder) -> Finding:
    match recorder.dead_session:
        case "401":
            return _assumed("status 401")
        case "403":
            return _otherwise("status 403", "It logs in again, as after a 401.")
        case "":
            return _not_seen("no call was left to try it")
        case status:
            return _otherwise(f"status {status}", "It does not take this for a dead session: please report it.")


def _session_life(seen: Seen, recorder: Recorder) -> Finding:
    """Return how long sessions live: whatever is refused has the client log in again, too."""
    refused = sum(1 for reply in seen.replies.values() if reply.answer in {"401", "403"})
    ended = recorder.logins - 1 - refused - bool(recorder.dead_session)
    if ended > 0:
        return _otherwise("sessions ended while calls were made", "It logs in again, which takes more calls.")
    return _assumed("no session ended while calls were made")


# Pages.


def _page_cap(seen: Seen, _: Recorder) -> Finding:
    form = "large" if seen.rows(LEARNERS, "large") else PAGE
    rows, total = len(seen.rows(LEARNERS, form)), len(seen.rows(LEARNERS, UNPAGED))
    asked = seen.page_size if form == PAGE else LARGE
    if not rows or rows > asked:
        return _NO_LEARNERS if not rows else _not_seen("the page size is ignored")
    if rows >= asked:
        return _assumed(f"pages of {asked} rows are given")
    if total > rows:
        return _otherwise(f"a page holds at most {rows} rows", "It reads on, page after page, and needs more calls.")
    if rows >= seen.page_size:
        return _assumed(f"pages of {seen.page_size} rows are given; there are too few learners for larger ones")
    return _not_seen("all learners fitted on one page")


def _page_numbers(seen: Seen, _: Recorder) -> Finding:
    first, second = seen.ids(LEARNERS, "small"), seen.ids(LEARNERS, "second")
    whole = [stream for stream in RULES if len(seen.rows(stream, PAGE)) > seen.page_size]
    said = ""
    if len(first) > SMALL:
        said = "page numbers and sizes are ignored"
    elif whole:
        said = f"page sizes are ignored for {listed(whole)}"
    elif first and first == second:
        said = "page numbers are ignored"
    if said:
        tap = "It holds the unpaged search against what came, and reports as missing what that does not settle."
        return _otherwise(said, tap)
    if len(seen.rows(LEARNERS, PAGE)) <= SMALL or not first:
        return _NO_LEARNERS
    return _assumed("pages are cut as asked for") if second else _not_seen("the second page did not come")


def _past_the_end(seen: Seen, _: Recorder) -> Finding:
    answer, rows = seen.answer(LEARNERS, "past the end"), seen.ids(LEARNERS, "past the end")
    if answer == "204":
        return _assumed("204")
    if rows:
        known = {each for form in (PAGE, UNPAGED, "large") for each in seen.ids(LEARNERS, form)}
        if not known.issuperset(rows):
            return _not_seen("nothing showed where the end was")
        tap = "It takes a page that came before for no end, and holds the unpaged search against it."
        return _otherwise("a page that came before", tap)
    if answer in NOTHING_THERE or answer == "404":
        return _otherwise(answer, "It takes this for the end of a search, if the evidence agrees.")
    return _refused(answer, "It does not take this for the end: the stream is reported as missing.") or _NO_LEARNERS


def _page_zero(seen: Seen, _: Recorder) -> Finding:
    ids, answer = seen.ids(LEARNERS, "page 0"), seen.answer(LEARNERS, "page 0")
    never = "It never asks for page 0."
    if ids:
        is_all = len(ids) > SMALL and len(ids) >= len(seen.rows(LEARNERS, PAGE))
        is_first = sorted(map(str, ids)) == sorted(map(str, seen.ids(LEARNERS, "small")))
        if is_first and not is_all:
            return _assumed("the same as page 1")
        return _otherwise("everything" if is_all else "other rows than page 1", never)
    if answer in NOTHING_THERE:
        return _otherwise(f"nothing ({answer})", never)
    return _refused(answer, never) or _NO_LEARNERS


def _order(seen: Seen, _: Recorder) -> Finding:
    rows, ids = seen.rows(LEARNERS, PAGE), seen.ids(LEARNERS, PAGE)
    if len(rows) < _FEW or not all(isinstance(each, int) for each in ids):
        return _NO_LEARNERS
    first = seen.ids(LEARNERS, "small")[:SMALL]
    if first and first != ids[:SMALL]:
        what = "it changes from call to call"
    elif ids == sorted(ids):
        return _assumed("by ID, ascending")
    elif ids == sorted(ids, reverse=True):
        what = "by ID, descending"
    else:
        names = [tuple(str(row.get(name)).casefold() for name in ("LastName", "FirstName")) for row in rows]
        what = "by name" if names == sorted(names) else "none that can be seen"
    return _otherwise(what, "It relies on no order: rows that come twice are dropped, and missing ones are looked for.")


def _without_pages(seen: Seen, _: Recorder) -> Finding:
    """Return which entities have no pages; framework templates are only known without."""
    asked = [stream for stream in RULES if seen.answer(stream, PAGE)]
    without = [stream for stream in asked if seen.answer(stream, PAGE) == "404"]
    if not asked:
        return _NO_LEARNERS
    if others := [stream for stream in without if stream != "framework_templates"]:
        return _otherwise(f"404 to a page of {listed(others)}", "It reads these streams unpaged, if that is there.")
    return _assumed("every search has pages" + (" but that of framework_templates" if without else ""))


def _unpaged(seen: Seen, _: Recorder) -> Finding:
    answers = {stream: seen.answer(stream, UNPAGED) for stream in RULES if seen.answer(stream, UNPAGED)}
    there = [stream for stream, answer in answers.items() if answer == ROWS]
    empty = [stream for stream, answer in answers.items() if answer != ROWS and seen.rows(stream, PAGE)]
    cut = [
        stream
        for stream in there
        if len(seen.rows(stream, UNPAGED)) < max(len(seen.rows(stream, form)) for form in (PAGE, "large"))
    ]
    if empty or cut:
        missing = [f"{answers[stream]} for {stream}" for stream in empty]
        missing += [f"at most {len(seen.rows(stream, UNPAGED))} rows of {stream}" for stream in cut]
        return _otherwise(
            "; ".join(missing), "Where a doubt about pages is left, it reads them again, or reports them as missing."
        )
    return _assumed("it is there, and gives no fewer rows than a page") if there else _not_seen("no rows came")


# Rows.


def _thin_rows(seen: Seen, _: Recorder) -> Finding:
    thin: list[str] = []
    rich: list[str] = []
    for stream in RULES:
        for record in seen.rows(stream, RECORD):
            rows = [row for row in seen.rows(stream, PAGE) if normalised(row.get("ID")) == normalised(record.get("ID"))]
            if rows and known_in(stream, rows):
                more = {name for name in known_in(stream, [record]) if record[name] not in NOTHING} - rows[0].keys()
                (thin if more else rich).append(stream)
    said = "; ".join(
        f"{what}: {listed(streams)}"
        for what, streams in (("pages have all fields of", rich), ("records have more than pages of", thin))
        if streams
    )
    if not said:
        return _not_seen("no record could be held against its row on a page")
    if thin and set(thin) - {"reviews", "plans"}:
        others = listed(stream for stream in thin if stream not in {"reviews", "plans"})
        return _otherwise(
            said, f"To have all fields of {others}, name them in fetch_details; it costs a call a record."
        )
    if found := sorted({"reviews", "plans"} & set(rich)):
        return _otherwise(
            said, f"It makes a call for each record all the same: take {listed(found)} out of fetch_details."
        )
    return _assumed(said)


def _dates(seen: Seen, _: Recorder) -> Finding:
    shapes = {shape_of(value) for _, _, value, kind in values(seen) if kind == "date-time"}
    if not shapes:
        return _not_seen("no date came")
    said = f"such as {listed(sorted(shapes))} (invented dates)"
    if all(re.fullmatch(r"[^.]*T[^.+]*(\.000)?Z", shape) for shape in shapes):
        return _assumed(said)
    odd = "something else" in shapes
    return _otherwise(
        said, "What is no ISO 8601 date is sent as null." if odd else "It reads these; without a zone, as UTC."
    )


def _sentinels(seen: Seen, _: Recorder) -> Finding:
    found: dict[str, set[str]] = defaultdict(set)
    for _stream, name, value, kind in values(seen):
        if kind == "date-time" and (day := _SENTINELS.get(str(value)[:10])):
            found[day].add(name)
        elif name.endswith("ID") and name != "ID" and kind == "integer" and value in (0, "0"):
            found["0"].add(name)
    if not found:
        return _not_seen("neither 1 January 1900 nor the id 0 came")
    said = "; ".join(f"{mark} in {listed(sorted(names))}" for mark, names in sorted(found.items()))
    if _SENTINELS["0001-01-01"] in found:
        return _otherwise(said, "It sends them as they are.")
    return _assumed(said)


def _nulls(seen: Seen, _: Recorder) -> Finding:
    ways = set()
    for stream, rows in answers(seen):
        known = known_in(stream, rows)
        for row in rows:
            ways |= {
                "null" if row[name] is None else "empty text" for name in known & row.keys() if row[name] in NOTHING
            }
            ways |= {"left out"} if known - row.keys() else set()
    return _assumed(f"{listed(sorted(ways))}; the tap sends null") if ways else _not_seen("every field had a value")


def _last_modified(seen: Seen, _: Recorder) -> Finding:
    rows = seen.rows(LEARNERS, PAGE)
    have = sum(1 for row in rows if row.get("LastModified") not in NOTHING)
    if not rows:
        return _NO_LEARNERS
    if have == len(rows):
        return _assumed("every row of a page of learners has it")
    said = "some rows of a page of learners have it" if have else "no row of a page of learners has it"
    return _otherwise(said, "It counts a row without one as changed; leave people to be read in full.")


def _modified_since(seen: Seen, _: Recorder) -> Finding:
    form = "modified since"
    rows, answer = seen.rows(LEARNERS, form), seen.answer(LEARNERS, form)
    if not rows and answer not in NOTHING_THERE | {"404"}:
        return _refused(answer, "Replication by LastModified fails: leave people to be read in full.") or _NO_LEARNERS
    stamps = {normalised(row.get("ID")): timestamp(row.get("LastModified")) for row in seen.rows(LEARNERS, PAGE)}
    came = {stamps[each] for each in seen.ids(LEARNERS, form) if each in stamps}
    is_exact = seen.since in stamps.values()
    if any(stamp < seen.since for stamp in came):
        return _otherwise("it is ignored", "It reads all people on every run, whatever it asks for.")
    if rows and not is_exact:
        return _otherwise("rows without LastModified pass it", "It reads these people on every run.")
    if is_exact and seen.since not in came and len(rows) < seen.page_size:
        return _otherwise(
            "it narrows, and leaves out the very moment", "It looks back by `lookback`, so misses nothing."
        )
    very_moment = "it finds the very moment too" if seen.since in came else "whether to the very moment was not seen"
    return _assumed(f"it narrows; {very_moment}")


def _archived(seen: Seen, _: Recorder) -> Finding:
    answer = seen.answer(ARCHIVED, PAGE)
    if set(seen.ids(ARCHIVED, PAGE)) & set(seen.ids(LEARNERS, PAGE)):
        return _otherwise("the search gives learners who are not archived", "Leave archived_learners deselected.")
    if answer == ROWS:
        return _otherwise("the search finds archived learners", "The stream archived_learners can be selected.")
    if answer in NOTHING_THERE:
        return _assumed(f"nobody is found ({answer}): nobody is archived here, or they cannot be searched")
    return _refused(answer, "Leave archived_learners deselected.") or _not_seen("it was not answered")


def _organisation_filter(seen: Seen, _: Recorder) -> Finding:
    form = "of nobody"
    if rows := seen.rows(LEARNERS, form):
        silent = all(row.get("OrganisationID") in NOTHING for row in rows)
        said = "it makes no difference, and rows do not say whose they are" if silent else "it makes no difference"
        return _otherwise(said, "Rows of another organisation are left out, and the run says that they came.")
    answer = seen.answer(LEARNERS, form)
    if answer in NOTHING_THERE or answer[:1] == "4":
        return _assumed(f"it narrows: an organisation that there is not has no learners ({answer})")
    return _NO_LEARNERS


def _role_filter(seen: Seen, _: Recorder) -> Finding:
    learners, assessors = set(seen.ids(LEARNERS, PAGE)), set(seen.ids(ASSESSORS, PAGE))
    if not learners or not assessors:
        return _not_seen("no learners or no assessors came")
    if learners & assessors:
        return _otherwise(
            "it makes no difference", "People of another role are left out, and the run says that they came."
        )
    return _assumed("it narrows")


def _look_ups(seen: Seen, _: Recorder) -> Finding:
    lists = {
        stream: seen.rows(stream, LIST)
        for stream in ("learner_statuses", "learning_aim_statuses", "assigned_standards")
    }
    said = "; ".join(f"{stream}: {described(stream, rows)}" for stream, rows in lists.items() if rows)
    if not said:
        return _not_seen("no row came")
    lack = [stream for stream, rows in lists.items() if rows and not all("ID" in row for row in rows)]
    if lack:
        return _otherwise(said, f"It cannot tell rows without an ID apart: deselect {listed(lack)}.")
    return _assumed(said)


def _aims(seen: Seen, _: Recorder) -> Finding:
    answer = seen.answer(AIMS, PAGE)
    if any(row.get("UserID") not in NOTHING for row in seen.rows(AIMS, PAGE)) or answer in NOTHING_THERE | {ROWS}:
        return _assumed("it is answered")
    return _refused(answer, "To read learning_aims, set organisation_ids: then it asks for each learner.") or _not_seen(
        "it was not answered"
    )


def _timesheets(seen: Seen, _: Recorder) -> Finding:
    if not (rows := seen.rows("timesheets", LIST)):
        return _not_seen("the learners asked for have no time sheet, or it was not answered")
    if ids := sorted(
        {name for row in rows for name in row if name.lower() in {"id", "timesheetid"} and is_plain_name(name)}
    ):
        return _otherwise(f"entries have {listed(ids)}", "It makes the key of the entry from it.")
    return _assumed("entries have no id; the tap makes a key")


def _missing_id(seen: Seen, _: Recorder) -> Finding:
    answer = seen.answer(LEARNERS, "missing id")
    if answer in NOTHING_THERE | {"404"}:
        return _assumed(answer)
    return _refused(
        answer, "It takes this, too, for a record that has gone." if answer == "400" else "Please report it."
    ) or (_not_seen("it was not answered"))


# Values.


def _ids(seen: Seen, _: Recorder) -> Finding:
    kinds = {
        type_of(value)
        for stream, name, value, kind in values(seen)
        if kind == "integer" and (name == "ID" or name.endswith("ID")) and stream != "units"
    }
    if not kinds:
        return _not_seen("no id came")
    if kinds == {"whole number"}:
        return _assumed("whole numbers")
    return _otherwise(f"ids come as {listed(sorted(kinds))}", "It converts what is a whole number.")


def _other_types(seen: Seen, _: Recorder) -> Finding:
    """Return the known fields whose values are of another type than the schema says."""
    fit: set[str] = set()
    misfit: set[str] = set()
    for stream, name, value, kind in values(seen):
        came = type_of(value)
        if came == WORDS[kind] or (kind == "number" and came == "whole number") or name.endswith("ID"):
            continue
        (fit if converts(RULES[stream][name], value) else misfit).add(f"{stream}.{name} ({came})")
    if not fit and not misfit:
        return _assumed("every known field is of the type expected")
    tap = "It converts them." if not misfit else f"It sends as null what cannot be converted: {listed(sorted(misfit))}."
    return _otherwise(listed(sorted(fit | misfit)), tap)


def _unknown_fields(seen: Seen, _: Recorder) -> Finding:
    unknown = unknown_fields(seen)
    if not unknown:
        return _assumed("none")
    named = "; ".join(
        f"{stream}: " + ", ".join(f"{name} ({kind})" for name, kind in names.items())
        for stream, names in unknown.items()
    )
    return _otherwise(named, "It leaves them out, and says so; the setting extra_fields has it read them.")


def _encoding(_: Seen, recorder: Recorder) -> Finding:
    if recorder.encodings == {"UTF-8"}:
        return _assumed("UTF-8")
    odd = listed(sorted(recorder.encodings - {"UTF-8"}))
    return _otherwise(odd, "It reads what it can, and reports what it cannot: please report it.")


def _retry_after(_: Seen, recorder: Recorder) -> Finding:
    if not recorder.limited:
        return _not_seen("no call was refused for want of calls (429), which is not provoked")
    if any(seconds is None for seconds in recorder.limited):
        return _otherwise("a 429 came without it", "It waits for as long as it takes the limit to pass.")
    return _assumed("a 429 came with it")


QUESTIONS: tuple[tuple[str, str, Callable[[Seen, Recorder], Finding]], ...] = (
    ("session", "The session in the answer to a login", _session),
    ("dead_session", "A call with a session that does not exist", _dead_session),
    ("session_life", "The life of a session", _session_life),
    ("page_numbers", "Page numbers and sizes", _page_numbers),
    ("page_cap", "The largest page", _page_cap),
    ("past_the_end", "A page after the last one", _past_the_end),
    ("page_zero", "Page 0", _page_zero),
    ("order", "The order of a search", _order),
    ("without_pages", "Searches without pages", _without_pages),
    ("unpaged", "The unpaged search", _unpaged),
    ("thin_rows", "Thin or rich rows", _thin_rows),
    ("last_modified", "LastModified in rows", _last_modified),
    ("modified_since", "The filter LastModified", _modified_since),
    ("organisation_filter", "The filter OrganisationID", _organisation_filter),
    ("role_filter", "The filter Role", _role_filter),
    ("archived", "Archived learners (Role 2)", _archived),
    ("look_ups", "Fields of the look-ups", _look_ups),
    ("learning_aims", "Learning aims of all learners at once", _aims),
    ("timesheets", "Ids of time sheets", _timesheets),
    ("missing_id", "A record that there is not", _missing_id),
    ("dates", "The spelling of dates", _dates),
    ("sentinels", "Values that stand for none", _sentinels),
    ("nulls", "Fields without a value", _nulls),
    ("ids", "The spelling of ids", _ids),
    ("types", "Known fields of another type", _other_types),
    ("unknown_fields", "Unknown fields", _unknown_fields),
    ("encoding", "The encoding of answers", _encoding),
    ("retry_after", "Retry-After", _retry_after),
)
"""A name for machines, a heading, and how the answer is found."""
