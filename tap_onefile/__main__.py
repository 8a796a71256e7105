"""The command ``tap-onefile``."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # What is imported stays until the end. To look for garbage in it, again and again, takes a quarter of the start.
    gc.disable()
    from tap_onefile.cli import run  # noqa: PLC0415 - only now

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
