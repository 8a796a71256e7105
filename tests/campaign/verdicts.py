"""How a run may end that something went wrong in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.campaign.processes import HUNG

if TYPE_CHECKING:
    from tests.campaign.trials import Tables, Trial
    from tests.running import Run

COMPLETE = "complete"
TOLD = "complete but for what OneFile said it does not have (404), which the log names and counts"
FAILED = "failed in one sentence, and complete after the next run"

_COUNTED = re.compile(r"OneFile (no longer had|has nothing for) \d+|Empty, as OneFile answers 404: ")
_ERROR = re.compile(r"\| ERROR +\|")


def judge(trial: Trial) -> tuple[str, str]:
    """Judge what came of a scenario.

    Args:
        trial: What came of it.

    Returns:
        How it ended, and what is wrong with that; the second is empty where all is well.
    """
    run = trial.run
    if run.status == HUNG:
        return "hung", "the run had to be killed"
    faults = [*_unclear(run), *(["a record was sent twice"] if trial.most_often > 1 else [])]
    if run.status == 0:
        lacking = _lacking(trial.truth, trial.tables)
        if lacking and _COUNTED.search(run.stderr):
            return TOLD, "; ".join(faults)
        return COMPLETE, "; ".join([*faults, *lacking])
    if trial.repaired is None or trial.repaired.status:
        faults.append("the next run failed, too")
    return FAILED, "; ".join([*faults, *_lacking(trial.truth, trial.repaired_tables)])


def _unclear(run: Run) -> list[str]:
    faults = []
    if "Traceback" in run.stderr or "failed unexpectedly" in run.stderr:
        faults.append("a fault of ours was shown")
    if run.status not in {0, 1}:
        faults.append(f"the exit status is {run.status}")
    if run.status and not _ERROR.search(run.last_line):
        faults.append(f"the last line is no error: {run.last_line[-200:]}")
    if not run.status and _ERROR.search(run.stderr):
        faults.append("an error was told, and the run looks good")
    return faults


def _lacking(truth: Tables, tables: Tables) -> list[str]:
    absent = [key for key in truth if key not in tables]
    wrong = [key for key, record in truth.items() if key in tables and tables[key] != record]
    return [
        f"{len(keys)} records {how}, such as {keys[0]}" for keys, how in ((absent, "absent"), (wrong, "wrong")) if keys
    ]
