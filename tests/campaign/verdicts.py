"""How a run may end that something went wrong in."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.campaign.processes import HUNG
from tests.campaign.trials import sent_by

if TYPE_CHECKING:
    from tests.campaign.trials import Tables, Trial
    from tests.running import Run

    Key = tuple[str, str]
    Record = dict[str, Any]

COMPLETE = "complete"
TOLD = "complete but for what OneFile said it does not have, which the log names and counts"
ODD = "complete but for values that no reader takes, which are null, and the log names and counts them"
FAILED = "failed in one sentence, and complete after the next run"

_GONE = re.compile(r"(\w+): OneFile (?:no longer had|has nothing for) (\d+) ")
_NOT_OFFERED = re.compile(r"Empty, as OneFile answers 404: ([\w, ]+)\.")
_NULLED = re.compile(r"(\w+): (\w+) was sent as null in (\d+) records")
_UNPAGED = re.compile(r"(\w+): OneFile has no pages of it, so it is read unpaged")
_ERROR = re.compile(r"\| ERROR +\|")


def judge(trial: Trial) -> tuple[str, str]:
    """Judge what came of a scenario.

    Args:
        trial: What came of it.

    Returns:
        How it ended, and what is wrong with that; the second is empty where all is well.
    """
    run, truth = trial.run, trial.truth
    if run.status == HUNG:
        return "hung", "the run had to be killed"
    nulled = {(stream, name): int(count) for stream, name, count in _NULLED.findall(run.stderr)}
    unread = dict(nulled)
    if trial.denies:
        # A search that has no pages to the end of a run is read without them, which gives less; one that has some then
        # is named as missing, unless the run was broken off before that could be asked.
        unpaged = {*_UNPAGED.findall(run.stderr)}
        was_broken_off = run.status and "Missing: " not in run.last_line
        may_be_thin = trial.denies_to_the_end or was_broken_off
        thin = {each for each in unpaged if may_be_thin or (run.status and each in run.last_line)}
        nulled |= {(key[0], name): 0 for key, record in truth.items() if key[0] in thin for name in record}
    known = truth
    if trial.ignores_a_filter and run.status:
        # That rows belong elsewhere shows, if they do not say so, when they come again: their stream is named then.
        known = {key: _ownerless(record) if key[0] in run.last_line else record for key, record in truth.items()}
    faults = [*_unsound(trial), *_unclear(run), *_wrongly_sent(run, known, nulled)]
    absent = [key for key in truth if key not in trial.tables]
    wrong = [key for key in truth if key in trial.tables and not _is(trial.tables[key], truth[key], key[0], nulled)]
    unsent = _activated(run, truth)
    excused = _excused(trial, absent + wrong + unsent)
    # A version must not go while records of it did not come.
    faults += _counted("not sent, and activated", [key for key in unsent if key[0] not in excused])
    if run.status == 0:
        faults += _counted("absent", [key for key in absent if key[0] not in excused])
        faults += _counted("wrong", [key for key in wrong if key[0] not in excused])
        return TOLD if excused else ODD if nulled else COMPLETE, "; ".join(faults)
    lacking = [key for key in absent + wrong if key[0] not in excused]
    faults += [f"{stream} lacks records and is not named" for stream in _unnamed(run, lacking)]
    if trial.repaired is None or trial.repaired.status:
        last = trial.repaired.last_line if trial.repaired else ""
        return FAILED, "; ".join([*faults, f"the next run failed, too: {last[-300:]}"])
    faults += _wrongly_sent(trial.repaired, truth, {})
    tables = trial.repaired_tables
    faults += _counted("absent after the next run", [key for key in truth if key not in tables])
    # What could not be read and is not modified is not read again.
    wrong = [key for key in truth if key in tables and not _is(tables[key], truth[key], key[0], unread)]
    faults += _counted("wrong after the next run", wrong)
    return FAILED, "; ".join(faults)


def _unsound(trial: Trial) -> list[str]:
    """Hold the run in which nothing went wrong against what the sandbox has."""
    came = Counter(stream for stream, _ in trial.truth)
    return [
        f"{stream}: {came[stream]} of {n} came though nothing went wrong"
        for stream, n in trial.held.items()
        if came[stream] != n
    ]


def _unclear(run: Run) -> list[str]:
    faults = []
    if "Traceback" in run.stderr or "failed unexpectedly" in run.stderr:
        faults.append("a fault of ours was shown")
    if run.status not in {0, 1}:
        faults.append(f"the exit status is {run.status}")
    if run.status and not _ERROR.search(run.last_line):
        faults.append(f"the last line is no error: {run.last_line[-200:]}")
    if not run.status and _ERROR.search(run.stderr):
        faults.append("an error was logged, and the run looks good")
    return faults


def _wrongly_sent(run: Run, truth: Tables, nulled: dict[tuple[str, str], int]) -> list[str]:
    """Whatever a run sends must be so, and be sent once, however the run ends."""
    sent = sent_by(run)
    often = Counter(key for key, _ in sent)
    return [
        *_counted("sent twice", [key for key, count in often.items() if count > 1]),
        *_counted("sent that are none", [key for key, _ in sent if key not in truth]),
        *_counted(
            "sent otherwise",
            [key for key, record in sent if key in truth and not _is(record, truth[key], key[0], nulled)],
        ),
    ]


def _activated(run: Run, truth: Tables) -> list[Key]:
    """Give the records that a target loses, as a version was activated in which they did not come."""
    streams = set(run.activated)
    sent = {key for key, _ in sent_by(run)}
    return [key for key in truth if key[0] in streams and key not in sent]


def _ownerless(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "OrganisationID"}


def _is(record: Record, true: Record, stream: str, nulled: dict[tuple[str, str], int]) -> bool:
    """Return whether a record is as it is, but for values that the log says are null for want of a reader."""
    return all(
        record.get(name) == value or (record.get(name) is None and (stream, name) in nulled)
        for name, value in true.items()
    )


def _excused(trial: Trial, lacking: list[Key]) -> set[str]:
    """Give the streams of which the log counts what is lacking, as OneFile said that it is not there."""
    if not trial.denies:
        return set()
    gone, usual = Counter[str](), Counter[str]()
    for counter, run in ((gone, trial.run), (usual, trial.whole)):
        for stream, count in _GONE.findall(run.stderr):
            counter[stream] += int(count)
    owners: defaultdict[str, set[object]] = defaultdict(set)
    for key in lacking:
        owners[key[0]].add(trial.truth[key].get("LearnerID") if key[0] == "timesheets" else key)
    excused = {stream for stream, those in owners.items() if len(those) <= gone[stream] - usual[stream]}
    if trial.denies_to_the_end:
        absent = {name for names in _NOT_OFFERED.findall(trial.run.stderr) for name in names.split(", ")}
        excused |= absent & {*owners}
    return excused


def _unnamed(run: Run, lacking: list[Key]) -> list[str]:
    """Give the streams that lack records, and that the last line says nothing of."""
    if "Missing: " not in run.last_line or re.search(
        r"\b(organisations|customers)\b", run.last_line.split("Missing: ")[1]
    ):
        return []
    return sorted({stream for stream, _ in lacking if stream not in run.last_line})


def _counted(how: str, keys: list[Key]) -> list[str]:
    return [f"{len(keys)} records {how}, such as {keys[0]}"] if keys else []
