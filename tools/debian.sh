#!/bin/sh
# Runs a command in a copy of this checkout's last commit, on Debian's testing suite: it has Pythons that are too new
# for the machine. Usage, as root, with debootstrap installed:
#
#   tools/debian.sh FOLDER make test PYTHON=python3.15
#
# FOLDER is where the suite is unpacked, once; the copy in it keeps its environments from run to run.
set -eu

[ $# -ge 2 ] || { sed -n 's/^# \{0,1\}//;2,6p' "$0" >&2; exit 2; }
root=$1
shift
checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)

if [ ! -e "$root/unpacked" ]; then
  debootstrap --variant=minbase --include=ca-certificates,git,make,procps,python3.14-venv,python3.15-venv testing "$root"
  touch "$root/unpacked"
fi
# The network may have a certificate of its own.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
copy=$root/srv/tap-onefile
[ -e "$copy" ] || git init --quiet "$copy"
git -C "$copy" fetch --quiet --depth 1 "file://$checkout" HEAD
git -C "$copy" checkout --quiet --force --detach FETCH_HEAD

# What is mounted in a namespace of its own is gone at the end, however that comes.
# shellcheck disable=SC2016 # the inner shells expand it
exec unshare --mount sh -euc '
  mount -t proc proc "$0/proc"
  mount -t devpts devpts "$0/dev/pts" -o newinstance,ptmxmode=0666
  mount -t tmpfs tmpfs "$0/dev/shm"
  exec env -i HOME=/srv LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin ${CI+"CI=$CI"} ${TERM+"TERM=$TERM"} \
    chroot "$0" sh -euc "cd /srv/tap-onefile; exec \"\$@\"" - "$@"
' "$root" "$@"
