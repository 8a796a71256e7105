"""The report on how this OneFile answers, made to be pasted into an issue: no value, id, name or address is in it."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_onefile import __version__
from tap_onefile.check.fields import fields_of, unknown_fields
from tap_onefile.check.probes import MOST_CALLS, Probes, Recorder
from tap_onefile.check.questions import AS_ASSUMED, NOT_SEEN, OTHERWISE, QUESTIONS
from tap_onefile.reporting.signals import attended
from tap_onefile.settings import ENVIRONMENTS

if TYPE_CHECKING:
    from tap_onefile.check.probes import Seen
    from tap_onefile.check.questions import Finding
    from tap_onefile.errors import OneFileError
    from tap_onefile.run import Run

_HEADINGS = {OTHERWISE: "Otherwise than assumed", AS_ASSUMED: "As assumed", NOT_SEEN: "Could not be seen"}
_WIDTH = 120


@dataclass(frozen=True)
class Report:
    """What was found, and what ended the calls early, if anything did."""

    environment: str
    calls: int
    findings: dict[str, tuple[str, Finding]]
    """By the name of the question: its heading, and its answer."""
    seen: Seen
    failure: OneFileError | None

    def as_text(self) -> str:
        """Return the report in Markdown."""
        lines = [f"# How this OneFile answers: tap-onefile {__version__}", ""]
        lines += _wrapped(
            f"Environment: {self.environment}. {self.calls} calls of at most {MOST_CALLS}, all of them reads. This"
            " report holds no value, id, name or address from OneFile: only kinds of answers, and names and types of"
            " fields."
        )
        if self.failure is not None:
            lines += ["", "**OneFile stopped answering before all calls were made.**"]
        for verdict, heading in _HEADINGS.items():
            found = [(title, each) for title, each in self.findings.values() if each.verdict == verdict]
            lines += ["", f"## {heading}", ""] if found else []
            for title, finding in found:
                tap = f" *What the tap does:* {finding.tap}" if finding.tap else ""
                lines += _wrapped(f"- **{title}**: {finding.seen}.{tap}", "  ")
        lines += ["", "## Fields", ""]
        for stream, forms in self._fields().items():
            told = "; ".join(f"{form} {_counted(**fields)}" for form, fields in forms.items())
            lines += _wrapped(f"- {stream}: {told}", "  ")
        return "\n".join(lines)

    def as_json(self) -> str:
        """Return the report for machines."""
        report = {
            "version": __version__,
            "environment": self.environment,
            "calls": self.calls,
            "is_whole": self.failure is None,
            "points": {name: finding._asdict() for name, (_, finding) in self.findings.items()},
            "fields": self._fields(),
            "unknown_fields": unknown_fields(self.seen),
        }
        return json.dumps(report, indent=2)

    def _fields(self) -> dict[str, dict[str, Any]]:
        """Return which of its fields each stream has and lacks, in each form that rows came in."""
        found: dict[str, dict[str, Any]] = {}
        for (stream, form), reply in self.seen.replies.items():
            if reply.rows and form in {"page", "unpaged", "record", "list"}:
                there, lacking = fields_of(stream, reply.rows)
                found.setdefault(stream, {})[form] = {"there": there, "lacking": lacking}
        return found


def check_api(run: Run) -> Report:
    """Find out how OneFile answers. Raises `OneFileError` where not even the organisations can be read."""
    settings = run.settings
    recorder = Recorder(settings.api_url, user_agent=settings.user_agent, timeout=settings.request_timeout)
    probes = Probes(run.client(recorder), recorder, settings, run.began)
    seen = attended(probes.ask_all, run.signals.check)
    findings = {name: (title, find(seen, recorder)) for name, title, find in QUESTIONS}
    return Report(environment_of(settings.api_url), recorder.calls, findings, seen, probes.failure)


def environment_of(api_url: str) -> str:
    """Return the name of OneFile's environment at an address; of any other, no more than that it is another."""
    address = api_url.rstrip("/").lower()
    return next((name for name, known in ENVIRONMENTS.items() if known == address), "another address")


def _counted(there: list[str], lacking: list[str]) -> str:
    if not lacking:
        return f"all {len(there)}"
    named = f"without {', '.join(lacking)}" if len(lacking) < len(there) else ", ".join(there)
    return f"{len(there)} of {len(there) + len(lacking)} ({named})"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
