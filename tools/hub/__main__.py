"""Write plugin.yaml, or with ``--check`` see whether it is fresh."""

from __future__ import annotations

import sys

from tools.hub.listing import PLUGIN_FILE, as_yaml, listing

if __name__ == "__main__":
    text = as_yaml(listing())
    if sys.argv[1:] != ["--check"]:
        PLUGIN_FILE.write_text(text, encoding="utf-8")
    elif PLUGIN_FILE.read_text(encoding="utf-8") != text:
        sys.exit("plugin.yaml is stale: run `make docs`.")
