"""How learners match with those of an MIS, computed apart from the SQL: by comparing each with each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Row = dict[str, Any]
    Pairs = dict[tuple[int, int], str]
    Finding = tuple[str, str | None, int | None, str | None]


def matched(learners: list[Row], mis: list[Row]) -> list[Finding]:
    """Say what is to be done.

    Args:
        learners: OneFile's records.
        mis: The rows of the MIS, with misid, uln, email and name.

    Returns:
        The action, what matched, the learner's id and the name in the MIS, for each match and each without one.
    """
    pairs = _alike(learners, mis, "ULN", plain_uln) | _alike(learners, mis, "MISID", plain_misid)
    joined, joined_mis = {o for o, _ in pairs}, {m for _, m in pairs}
    by_email = _alike(learners, mis, "Email", lambda email: (email or "").strip().lower())
    pairs |= {(o, m): "email" for o, m in by_email if o not in joined and m not in joined_mis}
    twice, twice_in_mis = (_doubled(learner["MISID"] for learner in learners), _doubled(row["misid"] for row in mis))
    return [
        *_together(learners, mis, pairs, twice_in_mis),
        *(
            (_only_in_onefile(learner, twice), None, learner["ID"], None)
            for number, learner in enumerate(learners)
            if number not in {o for o, _ in pairs}
        ),
        *(
            (_only_in_mis(row, twice_in_mis), None, None, row["name"])
            for number, row in enumerate(mis)
            if number not in {m for _, m in pairs}
        ),
    ]


def plain_misid(misid: str | None) -> str:
    """Spell an MISID without what makes no difference."""
    return "".join((misid or "").split()).upper()


def plain_uln(uln: str | None) -> str | None:
    """Give the digits of a ULN that is somebody's own."""
    digits = "".join(filter(str.isdigit, uln or ""))
    return digits if len(digits) == 10 and digits != "9999999999" else None


def _alike(learners: list[Row], mis: list[Row], name: str, plain: Callable[[str | None], str | None]) -> Pairs:
    return {
        (o, m): name
        for o, learner in enumerate(learners)
        for m, row in enumerate(mis)
        if plain(learner[name]) and plain(learner[name]) == plain(row[name.lower()])
    }


def _doubled(misids: Iterable[str | None]) -> set[str]:
    counts = Counter(map(plain_misid, misids))
    return {misid for misid, count in counts.items() if misid and count > 1}


def _together(learners: list[Row], mis: list[Row], pairs: Pairs, twice_in_mis: set[str]) -> Iterator[Finding]:
    in_mis, in_onefile = Counter(o for o, _ in pairs), Counter(m for _, m in pairs)
    for (o, m), by in pairs.items():
        if in_onefile[m] > 1:
            action = "Check: fits several learners in OneFile"
        elif in_mis[o] > 1:
            action = "Check: fits several learners in the MIS"
        elif plain_misid(mis[m]["misid"]) in twice_in_mis:
            action = "Check: MISID is doubled in the MIS"
        else:
            action = _check(learners[o], mis[m]) or _update(learners[o], mis[m], by)
        yield action, by, learners[o]["ID"], mis[m]["name"]


def _check(learner: Row, row: Row) -> str | None:
    if not plain_misid(row["misid"]):
        return "Check: no MISID in the MIS"
    ulns = {plain_uln(learner["ULN"]), plain_uln(row["uln"])} - {None}
    return "Check: ULNs differ" if len(ulns) > 1 else None


def _update(learner: Row, row: Row, by: str) -> str:
    ours, theirs = plain_misid(learner["MISID"]), plain_misid(row["misid"])
    if not ours:
        return "Set the MISID"
    if ours != theirs:
        return "Check: MISIDs differ" if by == "email" else "Change the MISID"
    return "In order" if learner["MISID"] == row["misid"] else "Spell the MISID as the MIS does"


def _only_in_onefile(learner: Row, twice: set[str]) -> str:
    return "Check: MISID is doubled in OneFile" if plain_misid(learner["MISID"]) in twice else "Find: only in OneFile"


def _only_in_mis(row: Row, twice: set[str]) -> str:
    misid = plain_misid(row["misid"])
    if misid in twice:
        return "Check: MISID is doubled in the MIS"
    return "Add: only in the MIS" if misid else "Check: no MISID in the MIS"
