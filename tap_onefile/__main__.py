"""The command ``tap-onefile``."""

from __future__ import annotations

import gc
from contextlib import suppress


def main() -> None:
    """Run the command line."""
    # A core dump would hold the token and the records in transit. Windows has neither cores nor this module.
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - as above

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What is imported stays until the end. To look for garbage in it, again and again, takes a quarter of the start.
    gc.disable()
    from tap_onefile.cli import run  # noqa: PLC0415 - only now

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
