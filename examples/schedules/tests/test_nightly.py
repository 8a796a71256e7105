"""The simplest schedules: the commands given to cron and systemd work."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from examples.schedules.tests.conftest import EXAMPLES
from tools.demo.pipeline import MELTANO

if TYPE_CHECKING:
    from examples.schedules.tests.conftest import Place

SYSTEMD = shutil.which("systemd-analyze")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_what_cron_and_systemd_are_told_to_run_loads_everything(place: Place) -> None:
    project = place.worker("machine")
    (project / ".venv").symlink_to(MELTANO.parent.parent)
    cron = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()[-1]
    service = (EXAMPLES / "onefile.service").read_text(encoding="utf-8")
    by_cron = re.fullmatch(r"\d+ \d+ \* \* \* (umask 077; ulimit -c 0; cd /opt/onefile && .+)", cron)
    by_systemd = re.search(r"^WorkingDirectory=(.+)\nExecStart=(.+)$", service, re.MULTILINE)
    assert by_cron
    assert by_systemd
    assert "\nUMask=0077\nLimitCORE=0\n" in service
    for command in (by_cron[1], f"cd {by_systemd[1]} && {by_systemd[2]}"):
        finished = subprocess.run(
            ["/bin/sh", "-c", command.replace("/opt/onefile", str(project))],
            env=place.environment("machine"),
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        assert finished.returncode == 0, finished.stderr
        place.assert_loaded()
        place.sandbox.advance(1)


@pytest.mark.skipif(SYSTEMD is None, reason="This machine has no systemd")
def test_systemd_takes_the_units() -> None:
    timer = (EXAMPLES / "onefile.timer").read_text(encoding="utf-8")
    calendar = re.search(r"^OnCalendar=(.+)$", timer, re.MULTILINE)
    assert calendar
    subprocess.run([str(SYSTEMD), "calendar", calendar[1]], check=True, capture_output=True, timeout=30)
    unit = EXAMPLES / "onefile-failed.service"
    verified = subprocess.run([str(SYSTEMD), "verify", unit], check=True, capture_output=True, text=True, timeout=30)
    assert verified.stderr == ""
