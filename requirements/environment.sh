#!/bin/sh
# Brings the environment .venvs/NAME to what requirements/NAME.txt says. Usage: environment.sh dev|meltano
set -eu

name=$1
env=.venvs/$name
log=.venvs/$name.log
python=$(head -n 1 .venvs/python)

# Runs a step with its output in the log, and a dot every other second to show that it is alive.
step() {
  printf '%s ' "$1" >&2
  shift
  "$@" >>"$log" 2>&1 </dev/null &
  child=$!
  trap 'kill "$child" 2>/dev/null; echo >&2; exit 130' INT TERM HUP
  ticks=0
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    ticks=$(((ticks + 1) % 10))
    [ "$ticks" -ne 0 ] || printf . >&2
  done
  trap - INT TERM HUP
  if wait "$child"; then
    echo " done" >&2
  else
    printf ' failed:\n\n' >&2
    tail -n 30 "$log" >&2
    printf '\n(all of it: %s)\n' "$log" >&2
    exit 1
  fi
}

# A uv of the project's own if there is one, the machine's, or one fetched by pip.
find_uv() {
  if [ -x .venvs/dev/bin/uv ]; then
    uv=.venvs/dev/bin/uv
  elif command -v uv >/dev/null; then
    uv=uv
  else
    step "Fetching uv" .venvs/dev/bin/python -m pip install --quiet --require-hashes -r requirements/uv.txt
    uv=.venvs/dev/bin/uv
  fi
}

: >"$log"

if ! cmp -s .venvs/python "$env/python-used"; then
  rm -rf "$env"
  step "Making $env with Python $(sed -n 's/ .*//;2p' .venvs/python)" "$python" -m venv "$env"
  cp .venvs/python "$env/python-used"
fi

find_uv
step "Installing requirements/$name.txt" \
  "$uv" pip sync --python "$env/bin/python" --require-hashes "requirements/$name.txt"

if [ "$name" = dev ]; then
  # The build back-end is the locked one, in the environment already: nothing is fetched here.
  step "Installing tap-onefile and its sandbox" \
    "$uv" pip install --python "$env/bin/python" --no-deps --no-build-isolation --editable . --editable sandbox
fi

touch "$env/ready"
