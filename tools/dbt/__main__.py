"""Renew what is made from the catalog: `python -m tools.dbt`; with `--check`, only say what is stale."""

from __future__ import annotations

import sys

from tools import ROOT
from tools.dbt.made import files

_PACKAGE = ROOT / "examples" / "dbt"


def main() -> None:
    """Write each file, or name those that differ."""
    made = {_PACKAGE / name: text for name, text in files().items()}
    left = {*(_PACKAGE / "models" / "staging").glob("*")} - made.keys()
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        if stale or left:
            names = ", ".join(str(path.relative_to(ROOT)) for path in sorted({*stale, *left}))
            sys.exit(f"Out of date, run `make docs`: {names}")
        return
    for path in left:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path], encoding="utf-8")


if __name__ == "__main__":
    main()
