#!/bin/sh
# Brings one environment to what its lock files say. Usage: environment.sh NAME
#
#   dev      the tap, the sandbox and every tool             requirements/dev.txt
#   meltano  Meltano alone: its pins differ from the SDK's   requirements/meltano.txt
#   plugins  what meltano.yml names, installed by Meltano    requirements/dev.txt (the tap), target-*.txt, dbt.txt
#   release  what checks releases, locks and workflows       requirements/release.txt
#   browser  what looks at the documentation in a browser   requirements/browser.txt
#   dbt      dbt, for examples/dbt/                          requirements/dbt.txt
#   charts   what draws the demo's pictures                  requirements/charts.txt
#   target-* one loader, for `make targets`                  requirements/target-*.txt
#   schedule-* an orchestrator, for `make schedules`         requirements/schedule-*.txt
#   lowest   the tap with the oldest of what it allows       requirements/lowest.txt
#   next     the tap with the SDK that is not released yet   requirements/dev.txt, and what the index has
set -eu

name=$1
env=.venvs/$name
log=.venvs/$name.log
python=$(head -n 1 .venvs/python)
uv=.venvs/dev/bin/uv

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

# Makes the environment, unless it is there and was made by the same Python in the same place.
make_venv() {
  cmp -s .venvs/python "$env/python-used" && return
  rm -rf "$env"
  step "Making $env with Python $(sed -n 's/ .*//;2p' .venvs/python)" "$python" -m venv "$env"
  cp .venvs/python "$env/python-used"
}

# The project's own uv, the machine's, or one fetched by pip.
find_uv() {
  [ -x "$uv" ] && return
  if command -v uv >/dev/null; then
    uv=uv
  else
    step "Fetching uv" "$env/bin/python" -m pip install --quiet --require-hashes -r requirements/uv.txt
  fi
}

install_lock() {
  step "Installing requirements/$1.txt" \
    "$uv" pip sync --python "$env/bin/python" --require-hashes "requirements/$1.txt"
}

# The build back-end is the locked one, in the environment already: nothing is fetched here.
install_tap() {
  step "Installing tap-onefile and its sandbox" \
    "$uv" pip install --python "$env/bin/python" --no-deps --no-build-isolation --editable . --editable sandbox
}

# Meltano hands its plugins to uv, which reads these. Build requirements come from the same locks.
install_plugin() {
  UV_CONSTRAINT=requirements/$3.txt UV_BUILD_CONSTRAINT=requirements/dev.txt MELTANO_SYS_DIR_ROOT=$PWD/$env \
    step "Installing $2" .venvs/meltano/bin/meltano --env-file /dev/null install "$1" "$2"
}

: >"$log"

case $name in
  dev)
    make_venv
    find_uv
    install_lock dev
    install_tap
    ;;
  browser | charts | meltano | release | dbt | target-* | schedule-*)
    make_venv
    install_lock "$name"
    ;;
  lowest)
    make_venv
    install_lock lowest
    install_tap
    ;;
  next)
    make_venv
    install_lock dev
    install_tap
    # Not from a lock, which would be old by the time that anyone looks.
    step "Installing the next singer-sdk" "$uv" pip install --python "$env/bin/python" \
      --prerelease allow --upgrade-package singer-sdk 'singer-sdk[msgspec,testing]>=0.55.0a1'
    ;;
  plugins)
    rm -rf "$env"
    install_plugin extractor tap-onefile dev
    install_plugin loader target-postgres target-postgres
    install_plugin loader target-jsonl target-jsonl
    # Without dbt's environment there is no dbt for this Python.
    [ ! -e .venvs/dbt/ready ] || install_plugin utility dbt-postgres dbt
    ;;
esac

touch "$env/ready"
