"""Put each page of a site beside it as Markdown, and a list of all in llms.txt: `python -m tools.docs.plain FOLDER`.

Programs that answer questions read these more easily than pages made for people.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOCS = ROOT / "docs"
_MADE = re.compile(r"<!-- \[\[\[(?:cog.*?\]\]\]|end\]\]\]) -->\n*", re.DOTALL)
"""What tells `make docs` how to make a part of a page."""
_ATTRIBUTES = re.compile(r"^(#+ .*?) \{ [^}]* \}$|( markdown='1')", re.MULTILINE)


def main(site: Path) -> None:
    """Write the pages and their list into a site that has been built."""
    with (ROOT / "zensical.toml").open("rb") as file:
        menu = tomllib.load(file)["project"]["nav"]
    lines = ["# tap-onefile", "", f"> {_summary(plain('index.md'))}"]
    for entry in menu:
        ((title, below),) = entry.items()
        if isinstance(below, str):
            below, title = [entry], "Begin here"
        lines += ["", f"## {title}", ""]
        for name, page in _pages(below):
            text = plain(page)
            (site / page).parent.mkdir(exist_ok=True)
            (site / page).write_text(text, encoding="utf-8")
            lines.append(f"- [{name or _title(text)}]({page}): {_summary(text)}")
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def plain(page: str) -> str:
    """Give a page without what only `make docs` and the site need."""
    text = _MADE.sub("", (_DOCS / page).read_text(encoding="utf-8"))
    return _ATTRIBUTES.sub(r"\1", text)


def _pages(entries: list[Any]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if isinstance(entry, str):
            yield "", entry
        else:
            for title, below in entry.items():
                yield from [(title, below)] if isinstance(below, str) else _pages(below)


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _summary(text: str) -> str:
    paragraph = text.split("\n\n")[1].replace("\n", " ")
    sentence = re.split(r"(?<=[.?!])\s", paragraph, maxsplit=1)[0]
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", sentence)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
