#!/bin/sh
# Finds the Python that the environments are built with and writes it, with all that an environment depends on, to
# .venvs/python. The file changes only when its content does: make rebuilds what is older than it.
#
# PYTHON (a command or a path) is the one asked for. Without it: python3, or else the newest on which everything runs.
set -eu

case "${PYTHON:-}" in
  "~/"*) PYTHON="$HOME/${PYTHON#"~/"}" ;; # not every shell has expanded it
esac

describe='
import os, sys
if sys.version_info < (3, 11):
    sys.exit(1)
# Not an environment that somebody has activated: it may be the very one that is to be made anew.
print(os.path.realpath(sys._base_executable))  # python3 or python3.11: one and the same
print(sys.version.split()[0], os.path.realpath(sys.base_prefix))
print(os.getcwd())  # scripts in an environment hold their path: a checkout that moved needs new ones
'

for candidate in ${PYTHON:+"$PYTHON"} ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.15}; do
  found=$("$candidate" -c "$describe" 2>/dev/null) && break
  found=
  [ -z "${PYTHON:-}" ] || break
done

if [ -z "$found" ]; then
  echo "tap-onefile needs Python 3.11 or newer; ${PYTHON:-python3} is not one." >&2
  echo "Name another: make ... PYTHON=python3.12 (or a path)." >&2
  exit 1
fi

mkdir -p .venvs
[ "$found" = "$(cat .venvs/python 2>/dev/null)" ] || printf '%s\n' "$found" >.venvs/python
