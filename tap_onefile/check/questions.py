"""What nobody outside OneFile knows, as a table: each question with how its answer is read from what came.

An answer is put together from words that stand here, names of fields, and how many rows a page may hold: never from a
value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_onefile.api.client import OF_A_DEAD_SESSION, action_for
from tap_onefile.check.probes import LARGE, NOTHING_THERE, ROWS, SMALL
from tap_onefile.extract.query import normalised
from tap_onefile.records.convert import attempt, converter_for, kind_of, to_timestamp
from tap_onefile.records.shaper import NOTHING
from tap_onefile.reporting.problems import PLAIN_NAME
from tap_onefile.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from tap_onefile.check.probes import Seen

    Row = dict[str, Any]

AS_ASSUMED, OTHERWISE, NOT_SEEN = "as assumed", "otherwise", "not seen"

RULES: dict[str, Row] = {stream.name: stream.schema["properties"] for stream in STREAMS}
"""What each field holds, by stream."""
_MOST_NAMES = 40
"""Unknown fields of a stream that are named."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d)?(?:\.(\d{1,9}))?(?:(Z)|([+-]\d\d:?\d\d))?)?")
_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "flag",
    int: "whole number",
    float: "number",
    list: "list",
    dict: "object",
}
_EXPECTED = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "date-time": "text",
    "boolean": "flag",
    "array": "list",
}
"""The type that each kind of field is expected to come as."""
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
_NO_ANSWER = _not_seen("it was not answered")


# What fields and values came, by names and types: the only way in which the report speaks of them.


def _answers(seen: Seen) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows of each stream, form by form."""
    for (stream, _), reply in seen.replies.items():
        if reply.rows:
            yield stream, reply.rows


def _values(seen: Seen) -> Iterator[tuple[str, str, Any, str]]:
    """Yield each value that came in a known field: stream, field, value, kind of field."""
    for stream, rows in _answers(seen):
        for row in rows:
            for name in row.keys() & RULES[stream].keys():
                if row[name] not in NOTHING:
                    yield stream, name, row[name], kind_of(RULES[stream][name])


def known_in(stream: str, rows: Collection[Row]) -> set[str]:
    """Return the fields of a stream's schema that rows have."""
    return {name for row in rows for name in row} & RULES[stream].keys()


def unknown_fields(seen: Seen) -> dict[str, dict[str, str]]:
    """Return the fields that no schema knows, by stream and name, with their types."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for stream, rows in _answers(seen):
        for name, types in _types_in(rows).items():
            if name not in RULES[stream] and (name in found[stream] or len(found[stream]) < _MOST_NAMES):
                found[stream][name] |= types - {"null"}
    return {
        stream: {name: " or ".join(sorted(types)) or "always null" for name, types in sorted(names.items())}
        for stream, names in found.items()
        if names
    }


def _described(stream: str, rows: Collection[Row]) -> str:
    """Describe the fields that rows have, with their types."""
    return _listed(
        f"{name} ({' or '.join(sorted(types))}{'' if name in RULES[stream] else ', unknown'})"
        for name, types in _types_in(rows).items()
    )


def _types_in(rows: Collection[Row]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name, value in row.items():
            shown = name if PLAIN_NAME.fullmatch(name) else "a name that is not shown"
            found[shown].add(_type_of(value))
    return found


def _type_of(value: object) -> str:
    return _TYPES.get(type(value), "text" if isinstance(value, str) else "something unreadable")


def _shape_of(value: object) -> str:
    """Spell an invented date as another is spelled."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return "something else"
    between, seconds, fraction, zulu, offset = found.groups()
    if not between:
        return "2026-01-31"
    digits = f".{'0' * len(fraction)}" if fraction else ""
    zone = "+00:00" if offset and ":" in offset else "+0000" if offset else zulu or ""
    return f"2026-01-31{between}09:30{':00' if seconds else ''}{digits}{zone}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


# The login.


def _session(seen: Seen) -> Finding:
    around = " and ".join(
        what for mark, what in (('"', "in quotes"), (" ", "with blanks around it")) if mark in seen.session
    )
    if around:
        return _otherwise(f"the session comes {around}", "It takes off what surrounds the session.")
    return _assumed("the session comes as plain text")


def _dead_session(seen: Seen) -> Finding:
    match seen.dead_session:
        case "401":
            return _assumed("status 401")
        case "":
            return _not_seen("no call was left to try it")
        case status if _is_of_a_dead_session(status):
            return _otherwise(f"status {status}", "It logs in again, as after a 401.")
        case status:
            return _otherwise(
                f"status {status}",
                "It takes this for a dead session only if it comes with OneFile's code for one: please report it.",
            )


def _is_of_a_dead_session(answer: str) -> bool:
    return answer.isdecimal() and action_for(int(answer)) in OF_A_DEAD_SESSION


def _session_life(seen: Seen) -> Finding:
    """Return how long sessions live: whatever is refused has the client log in again, too."""
    refused = sum(1 for reply in seen.replies.values() if _is_of_a_dead_session(reply.answer))
    ended = seen.logins - 1 - refused - bool(seen.dead_session)
    if ended > 0:
        return _otherwise("sessions ended while calls were made", "It logs in again, which takes more calls.")
    return _assumed("no session ended while calls were made")


# Pages.


def _page_cap(seen: Seen) -> Finding:
    large, usual, total = (len(seen.rows(form)) for form in ("large", "page", "unpaged"))
    rows, asked = (large, LARGE) if large else (usual, seen.page_size)
    if not rows:
        return _NO_LEARNERS
    if rows > asked:
        return _not_seen("the page size is ignored")
    if rows >= asked:
        return _assumed(f"pages of {asked} rows are given")
    if total > rows:
        return _otherwise(f"a page holds at most {rows} rows", "It reads on, page after page, and needs more calls.")
    if rows >= seen.page_size:
        return _assumed(f"pages of {seen.page_size} rows are given; there are too few learners for larger ones")
    return _not_seen("all learners fitted on one page")


def _page_numbers(seen: Seen) -> Finding:
    first, second = seen.ids("small"), seen.ids("second")
    tap = "It holds the unpaged search against what came, and reports as missing what that does not settle."
    if len(first) > SMALL:
        return _otherwise("page numbers and sizes are ignored", tap)
    if whole := [stream for stream in RULES if len(seen.rows("page", stream)) > seen.page_size]:
        return _otherwise(f"page sizes are ignored for {_listed(whole)}", tap)
    if first and first == second:
        return _otherwise("page numbers are ignored", tap)
    if len(seen.rows("page")) <= SMALL or not first:
        return _NO_LEARNERS
    return _assumed("pages are cut as asked for") if second else _not_seen("the second page did not come")


def _past_the_end(seen: Seen) -> Finding:
    answer, rows = seen.answer("past the end"), seen.ids("past the end")
    if answer == "204":
        return _assumed("204")
    if rows:
        known = {each for form in ("page", "unpaged", "large") for each in seen.ids(form)}
        if not known.issuperset(rows):
            return _not_seen("nothing showed where the end was")
        tap = "It takes a page that came before for no end, and holds the unpaged search against it."
        return _otherwise("a page that came before", tap)
    if answer in NOTHING_THERE or answer == "404":
        return _otherwise(answer, "It takes this for the end of a search, if the evidence agrees.")
    return _refused(answer, "It does not take this for the end: the stream is reported as missing.") or _NO_LEARNERS


def _page_zero(seen: Seen) -> Finding:
    ids, answer = seen.ids("page 0"), seen.answer("page 0")
    never = "It never asks for page 0."
    if ids:
        is_all = len(ids) > SMALL and len(ids) >= len(seen.rows("page"))
        is_first = sorted(map(str, ids)) == sorted(map(str, seen.ids("small")))
        if is_first and not is_all:
            return _assumed("the same as page 1")
        return _otherwise("everything" if is_all else "other rows than page 1", never)
    if answer in NOTHING_THERE:
        return _otherwise(f"nothing ({answer})", never)
    return _refused(answer, never) or _NO_LEARNERS


def _order(seen: Seen) -> Finding:
    rows, ids = seen.rows("page"), seen.ids("page")
    if len(rows) < _FEW or not all(isinstance(each, int) for each in ids):
        return _NO_LEARNERS
    first = seen.ids("small")[:SMALL]
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


def _without_pages(seen: Seen) -> Finding:
    """Return which entities have no pages; framework templates are only known without."""
    asked = [stream for stream in RULES if seen.answer("page", stream)]
    without = [stream for stream in asked if seen.answer("page", stream) == "404"]
    if not asked:
        return _NO_LEARNERS
    if others := [stream for stream in without if stream != "framework_templates"]:
        return _otherwise(f"404 to a page of {_listed(others)}", "It reads these streams unpaged, if that is there.")
    return _assumed("every search has pages" + (" but that of framework_templates" if without else ""))


def _unpaged(seen: Seen) -> Finding:
    answers = {stream: seen.answer("unpaged", stream) for stream in RULES if seen.answer("unpaged", stream)}
    there = [stream for stream, answer in answers.items() if answer == ROWS]
    empty = [stream for stream, answer in answers.items() if answer != ROWS and seen.rows("page", stream)]
    cut = [
        stream
        for stream in there
        if len(seen.rows("unpaged", stream)) < max(len(seen.rows(form, stream)) for form in ("page", "large"))
    ]
    if empty or cut:
        missing = [f"{answers[stream]} for {stream}" for stream in empty]
        missing += [f"at most {len(seen.rows('unpaged', stream))} rows of {stream}" for stream in cut]
        return _otherwise(
            "; ".join(missing), "Where a doubt about pages is left, it reads them again, or reports them as missing."
        )
    return _assumed("it is there, and gives no fewer rows than a page") if there else _not_seen("no rows came")


# Rows.


def _thin_rows(seen: Seen) -> Finding:
    thin: list[str] = []
    rich: list[str] = []
    for stream in RULES:
        for record in seen.rows("record", stream):
            own_id = normalised(record.get("ID"))
            rows = [row for row in seen.rows("page", stream) if normalised(row.get("ID")) == own_id]
            if rows and known_in(stream, rows):
                more = {name for name in known_in(stream, [record]) if record[name] not in NOTHING} - rows[0].keys()
                (thin if more else rich).append(stream)
    said = "; ".join(
        f"{what}: {_listed(streams)}"
        for what, streams in (("pages have all fields of", rich), ("records have more than pages of", thin))
        if streams
    )
    if not said:
        return _not_seen("no record could be held against its row on a page")
    completed = {"reviews", "plans"}
    if others := _listed(stream for stream in thin if stream not in completed):
        return _otherwise(
            said, f"To have all fields of {others}, name them in fetch_details; it costs a call a record."
        )
    if found := _listed(sorted(completed & set(rich))):
        return _otherwise(said, f"It makes a call for each record all the same: take {found} out of fetch_details.")
    return _assumed(said)


def _dates(seen: Seen) -> Finding:
    shapes = {_shape_of(value) for _, _, value, kind in _values(seen) if kind == "date-time"}
    if not shapes:
        return _not_seen("no date came")
    said = f"such as {_listed(sorted(shapes))} (invented dates)"
    if all(re.fullmatch(r"[^.]*T[^.+]*(\.000)?Z", shape) for shape in shapes):
        return _assumed(said)
    if "something else" in shapes:
        return _otherwise(said, "What is no ISO 8601 date is sent as null.")
    return _otherwise(said, "It reads these; without a zone, as UTC.")


def _sentinels(seen: Seen) -> Finding:
    found: dict[str, set[str]] = defaultdict(set)
    for _stream, name, value, kind in _values(seen):
        if kind == "date-time" and (day := _SENTINELS.get(str(value)[:10])):
            found[day].add(name)
        elif name.endswith("ID") and name != "ID" and kind == "integer" and value in (0, "0"):
            found["0"].add(name)
    if not found:
        return _not_seen("neither 1 January 1900 nor the id 0 came")
    said = "; ".join(f"{mark} in {_listed(sorted(names))}" for mark, names in sorted(found.items()))
    if _SENTINELS["0001-01-01"] in found:
        return _otherwise(said, "It sends them as they are.")
    return _assumed(said)


def _nulls(seen: Seen) -> Finding:
    ways = {
        "left out" if name not in row else "null" if row[name] is None else "empty text"
        for stream, rows in _answers(seen)
        for name in known_in(stream, rows)
        for row in rows
        if row.get(name) in NOTHING
    }
    return _assumed(f"{_listed(sorted(ways))}; the tap sends null") if ways else _not_seen("every field had a value")


def _last_modified(seen: Seen) -> Finding:
    rows = seen.rows("page")
    have = sum(1 for row in rows if row.get("LastModified") not in NOTHING)
    if not rows:
        return _NO_LEARNERS
    if have == len(rows):
        return _assumed("every row of a page of learners has it")
    said = "some rows of a page of learners have it" if have else "no row of a page of learners has it"
    return _otherwise(said, "It counts a row without one as changed; leave people to be read in full.")


def _modified_since(seen: Seen) -> Finding:
    rows, answer = seen.rows("modified since"), seen.answer("modified since")
    if not rows and answer not in NOTHING_THERE | {"404"}:
        return _refused(answer, "Replication by LastModified fails: leave people to be read in full.") or _NO_LEARNERS
    # What is not a timestamp sorts after all of them.
    changes = [attempt(to_timestamp, row.get("LastModified"), "~") for row in seen.rows("page")]
    stamps = dict(zip(seen.ids("page"), changes, strict=True))
    came = {stamps[each] for each in seen.ids("modified since") if each in stamps}
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


def _archived(seen: Seen) -> Finding:
    answer = seen.answer("page", "archived_learners")
    if set(seen.ids("page", "archived_learners")) & set(seen.ids("page")):
        return _otherwise("the search gives learners who are not archived", "Leave archived_learners deselected.")
    if answer == ROWS:
        return _otherwise("the search finds archived learners", "The stream archived_learners can be selected.")
    if answer in NOTHING_THERE:
        return _assumed(f"nobody is found ({answer}): nobody is archived here, or they cannot be searched")
    return _refused(answer, "Leave archived_learners deselected.") or _NO_ANSWER


def _organisation_filter(seen: Seen) -> Finding:
    if rows := seen.rows("of nobody"):
        silent = all(row.get("OrganisationID") in NOTHING for row in rows)
        said = "it makes no difference, and rows do not say whose they are" if silent else "it makes no difference"
        return _otherwise(said, "Rows of another organisation are left out, and the run says that they came.")
    answer = seen.answer("of nobody")
    if answer in NOTHING_THERE or answer[:1] == "4":
        return _assumed(f"it narrows: an organisation that there is not has no learners ({answer})")
    return _NO_LEARNERS


def _role_filter(seen: Seen) -> Finding:
    learners, assessors = set(seen.ids("page")), set(seen.ids("page", "assessors"))
    if not learners or not assessors:
        return _not_seen("no learners or no assessors came")
    if learners & assessors:
        return _otherwise(
            "it makes no difference", "People of another role are left out, and the run says that they came."
        )
    return _assumed("it narrows")


def _look_ups(seen: Seen) -> Finding:
    streams = ("learner_statuses", "learning_aim_statuses", "assigned_standards")
    lists = {stream: rows for stream in streams if (rows := seen.rows("list", stream))}
    if not lists:
        return _not_seen("no row came")
    said = "; ".join(f"{stream}: {_described(stream, rows)}" for stream, rows in lists.items())
    if lack := _listed(stream for stream, rows in lists.items() if not all("ID" in row for row in rows)):
        return _otherwise(said, f"It cannot tell rows without an ID apart: deselect {lack}.")
    return _assumed(said)


def _aims(seen: Seen) -> Finding:
    answer = seen.answer("page", "learning_aims")
    if answer in NOTHING_THERE | {ROWS}:
        return _assumed("it is answered")
    tap = "It asks for the aims of each learner instead, if the status says that the question is wrong."
    return _refused(answer, tap) or _NO_ANSWER


def _timesheets(seen: Seen) -> Finding:
    if not (rows := seen.rows("list", "timesheets")):
        return _not_seen("the learners asked for have no time sheet, or it was not answered")
    ids = {name for row in rows for name in row if name.lower() in {"id", "timesheetid"}}
    if ids:
        return _otherwise(f"entries have {_listed(sorted(ids))}", "It makes the key of the entry from it.")
    return _assumed("entries have no id; the tap makes a key")


def _missing_id(seen: Seen) -> Finding:
    answer = seen.answer("missing id")
    if answer in NOTHING_THERE | {"404"}:
        return _assumed(answer)
    tap = "It takes this, too, for a record that has gone." if answer == "400" else "Please report it."
    return _refused(answer, tap) or _NO_ANSWER


# Values.


def _ids(seen: Seen) -> Finding:
    kinds = {
        _type_of(value)
        for stream, name, value, kind in _values(seen)
        if kind == "integer" and name.endswith("ID") and stream != "units"
    }
    if not kinds:
        return _not_seen("no id came")
    if kinds == {"whole number"}:
        return _assumed("whole numbers")
    return _otherwise(f"ids come as {_listed(sorted(kinds))}", "It converts what is a whole number.")


def _other_types(seen: Seen) -> Finding:
    """Return the known fields whose values are of another type than the schema says."""
    fit: set[str] = set()
    misfit: set[str] = set()
    for stream, name, value, kind in _values(seen):
        came = _type_of(value)
        if came == _EXPECTED[kind] or (kind == "number" and came == "whole number") or name.endswith("ID"):
            continue
        fits = attempt(converter_for(RULES[stream][name]), value, None) is not None
        (fit if fits else misfit).add(f"{stream}.{name} ({came})")
    if not fit and not misfit:
        return _assumed("every known field is of the type expected")
    lost = _listed(sorted(misfit))
    tap = f"It sends as null what cannot be converted: {lost}." if lost else "It converts them."
    return _otherwise(_listed(sorted(fit | misfit)), tap)


def _unknown_fields(seen: Seen) -> Finding:
    unknown = unknown_fields(seen)
    if not unknown:
        return _assumed("none")
    named = "; ".join(
        f"{stream}: " + ", ".join(f"{name} ({kind})" for name, kind in names.items())
        for stream, names in unknown.items()
    )
    return _otherwise(named, "It leaves them out, and says so; the setting extra_fields has it read them.")


def _encoding(seen: Seen) -> Finding:
    if seen.encodings == {"UTF-8"}:
        return _assumed("UTF-8")
    odd = _listed(sorted(seen.encodings - {"UTF-8"}))
    return _otherwise(odd, "It reads what it can, and reports what it cannot: please report it.")


def _retry_after(seen: Seen) -> Finding:
    if not seen.limited:
        return _not_seen("no call was refused for want of calls (429), which is not provoked")
    if any(seconds is None for seconds in seen.limited):
        return _otherwise("a 429 came without it", "It waits for as long as it takes the limit to pass.")
    return _assumed("a 429 came with it")


QUESTIONS: tuple[tuple[str, str, Callable[[Seen], Finding]], ...] = (
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
