"""The report on how this OneFile answers, made to be pasted into an issue: no value, id, name or address is in it."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from tap_onefile import __version__
from tap_onefile.check.probes import MOST_CALLS, Probes
from tap_onefile.check.questions import AS_ASSUMED, NOT_SEEN, OTHERWISE, QUESTIONS, RULES, known_in, unknown_fields
from tap_onefile.records.fields import CERTAINTY, SEARCH
from tap_onefile.reporting.signals import interruptible
from tap_onefile.settings import ENVIRONMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_onefile.check.probes import Seen
    from tap_onefile.run import Run

_HEADINGS = {OTHERWISE: "Otherwise than assumed", AS_ASSUMED: "As assumed", NOT_SEEN: "Could not be seen"}
_WIDTH = 120


def check_api(run: Run, write: Callable[[str], object], *, as_json: bool) -> None:
    """Find out how OneFile answers, and write the report as far as it did; raises where it stopped."""
    seen = interruptible(Probes(run).ask_all, run.signals.check)
    environment = environment_of(run.settings.api_url)
    write(_as_json(environment, seen) if as_json else _as_text(environment, seen))
    if seen.failure is not None:
        raise seen.failure


def environment_of(api_url: str) -> str:
    """Return the name of OneFile's environment at an address; of any other, no more than that it is another."""
    address = api_url.rstrip("/").lower()
    return next((name for name, known in ENVIRONMENTS.items() if known == address), "another address")


def _as_text(environment: str, seen: Seen) -> str:
    """Return the report in Markdown."""
    lines = [f"# How this OneFile answers: tap-onefile {__version__}", ""]
    lines += _wrapped(
        f"Environment: {environment}. {seen.calls} calls of at most {MOST_CALLS}, all of them reads. This report holds"
        " no value, id, name or address from OneFile: only kinds of answers, and names and types of fields."
    )
    if seen.failure is not None:
        lines += ["", "**OneFile stopped answering before all calls were made.**"]
    findings = [(title, find(seen)) for _, title, find in QUESTIONS]
    for verdict, heading in _HEADINGS.items():
        found = [(title, finding) for title, finding in findings if finding.verdict == verdict]
        lines += ["", f"## {heading}", ""] if found else []
        for title, finding in found:
            tap = f" *What the tap does:* {finding.tap}" if finding.tap else ""
            lines += _wrapped(f"- **{title}**: {finding.seen}.{tap}", "  ")
    lines += ["", "## Fields", ""]
    for stream, forms in _fields(seen).items():
        counts = "; ".join(f"{form} {_counted(**fields)}" for form, fields in forms.items())
        lines += _wrapped(f"- {stream}: {counts}", "  ")
    return "\n".join(lines)


def _as_json(environment: str, seen: Seen) -> str:
    """Return the report for machines."""
    report = {
        "version": __version__,
        "environment": environment,
        "calls": seen.calls,
        "is_whole": seen.failure is None,
        "points": {name: find(seen)._asdict() for name, _, find in QUESTIONS},
        "fields": _fields(seen),
        "unknown_fields": unknown_fields(seen),
    }
    return json.dumps(report, indent=2)


def _fields(seen: Seen) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return which of its fields each stream has and lacks, in each form that rows came in."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for (stream, form), reply in seen.replies.items():
        if reply.rows and form in {"page", "unpaged", "record", "list"}:
            known, rules = known_in(stream, reply.rows), RULES[stream]
            there = [name for name in rules if name in known]
            # The tap fills in some itself.
            lacking = [name for name in rules if name not in known and rules[name][CERTAINTY] != SEARCH.certainty]
            found.setdefault(stream, {})[form] = {"there": there, "lacking": lacking}
    return found


def _counted(there: list[str], lacking: list[str]) -> str:
    if not lacking:
        return f"all {len(there)}"
    named = f"without {', '.join(lacking)}" if len(lacking) < len(there) else ", ".join(there)
    return f"{len(there)} of {len(there) + len(lacking)} ({named})"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
