"""What CHANGELOG.md says about a version."""

from __future__ import annotations

import re

from tools.address import REPOSITORY


def notes(changelog: str, version: str) -> str | None:
    """Find what changed in a version.

    Args:
        changelog: The whole text, with a heading such as ``## 1.2.3 - 2026-01-31`` for each version.
        version: The version.

    Returns:
        The text below its heading; None where it has no heading, no date, or no text.
    """
    heading = rf"^## \[?{re.escape(version)}\]? - \d{{4}}-\d{{2}}-\d{{2}}$"
    match = re.search(rf"{heading}\n(?P<text>.*?)(?=^## |\Z)", changelog, flags=re.MULTILINE | re.DOTALL)
    return (match["text"].strip() or None) if match else None


def with_whole_links(text: str, tag: str) -> str:
    """Make links to files lead there from anywhere: those of the change log start from the file itself.

    Args:
        text: Markdown.
        tag: The tag of the version.
    """
    return re.sub(r"\]\((?!\w+:|#)(?:\./)?([^)]+)\)", rf"]({REPOSITORY}/blob/{tag}/\1)", text)
