"""Keep a page for each stream: `python -m tools.docs` adds missing pages, and removes those without a stream."""

from __future__ import annotations

from tap_onefile.streams import STREAMS
from tools import ROOT, address

_FOLDER = ROOT / "docs" / "streams"
_PAGE = """# {name}

<!-- [[[cog
from tools.docs import tables
cog.outl(); cog.outl(tables.stream("{name}")); cog.outl()
]]] -->
<!-- [[[end]]] -->
"""


def main() -> None:
    """Add and remove pages so that each stream has one; cog fills them. Every text gets the repository's address."""
    address.spread()
    names = {stream.name for stream in STREAMS}
    for page in _FOLDER.glob("*.md"):
        if page.stem not in names:
            page.unlink()
    for name in names:
        page = _FOLDER / f"{name}.md"
        if not page.exists():
            page.write_text(_PAGE.format(name=name), encoding="utf-8")


if __name__ == "__main__":
    main()
