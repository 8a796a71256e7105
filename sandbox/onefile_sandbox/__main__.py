"""`python -m onefile_sandbox`."""

import sys

from onefile_sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
