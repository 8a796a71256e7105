"""What may go wrong, in a sentence for whoever runs the demo."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on, or has found a difference."""


class ProcessError(DemoError):
    """A process has failed; the end of the log tells why."""
