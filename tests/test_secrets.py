"""No token, no session and no person is in anything but the records, whatever is done and whatever goes wrong."""

from __future__ import annotations

import base64
import json
import re
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from onefile_sandbox import Fault
from onefile_sandbox.api.limits import Sessions
from tap_onefile.streams import DETAILED
from tests.running import GIVES_UP_SOON, clean_environment, config_for, select, start_tap
from tests.scripted import scripted_server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

SEED = 7
KEY = "an invented pseudonym key of many characters"
PEOPLE = ("learners", "assessors", "iqas", "employers", "observers", "trainee_assessors")
NAMELESS = ("ULN", "NINO", "Email", "Telephone", "MobileNumber", "HomeAddress", "WorkAddress", "Username")

FAULTS: dict[str, list[Fault]] = {
    "nothing": [],
    "a session that dies": [Fault("expire", match="POST /User/Search", after=2)],
    "a refused stream": [Fault("status", status=403, match="POST /Classroom/Search", times=None)],
    "a refused question that names somebody": [
        Fault("status", status=400, code=-11, message="{needles}", match="POST /(User|Placement)/Search", times=None),
    ],
    "a redirect": [Fault("redirect", match="POST /Placement/Search", times=None)],
    "a passing fault of each kind": [
        Fault("status", status=500, match="POST /User/Search", body="html"),
        Fault("cut", match="POST /User/Search", after=3),
        Fault("malformed", match="POST /User/Search", after=6),
        Fault("wrong-shape", match="POST /User/Search", after=9),
        Fault("garbled", match="POST /User/Search", after=12),
        Fault("reset", match="GET /Review", after=2),
        Fault("repeat-page", match="POST /User/Search", after=15),
    ],
    "a lasting fault": [Fault("malformed", match="POST /User/Search", times=None)],
    "answers of another shape": [Fault("wrong-shape", match="GET /User", times=None)],
    "a login that fails": [Fault("html", match="POST /Authentication", times=None)],
    "a refused login": [Fault("status", status=401, message="{needles}", match="POST /Authentication", times=None)],
}


MENDED = {"nothing", "a session that dies", "a passing fault of each kind"}


class Needles:
    """What must not be found anywhere, with what it is.

    Args:
        sandbox: Its token, its sessions and its people.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        # The sandbox invents its sessions from its seed, so that the first ones can be invented here once more.
        sessions = Sessions(SEED, 1.0, lambda: 0.0)
        secrets = [sandbox.customer_token, KEY, *(sessions.open() for _ in range(40))]
        self.all = {form: "a secret" for secret in secrets for form in _forms(secret)}
        for stream in PEOPLE:
            for row in sandbox.records(stream, details=True):
                self.all[f"{row['FirstName']} {row['LastName']}"] = "a name"
                if row.get("DOB"):
                    self.all[row["DOB"][:10]] = "a date of birth"
                for name in NAMELESS:
                    for line in str(row.get(name) or "").splitlines():
                        self.all[line] = name
        # Short texts stand elsewhere by chance, and some addresses are those of the whole organisation.
        self.all = {needle: kind for needle, kind in self.all.items() if len(needle) > 7}
        self.person = next(needle for needle, kind in self.all.items() if kind == "a name")

    def found_in(self, text: str) -> set[str]:
        """Tell what is found in a text, by its kind."""
        return {f"{kind}: {needle[:12]}…" for needle, kind in self.all.items() if needle in text}


def _forms(secret: str) -> Iterable[str]:
    yield from (secret, secret[::-1], quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret.encode())[2:-1])
    yield base64.b64encode(secret.encode()).decode()[:40]


@pytest.fixture
def loud(tmp_path: Path) -> dict[str, str]:
    """Make everything tell all that it can."""
    log_config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"all": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "level": "DEBUG"}},
        "root": {"handlers": ["all"], "level": "DEBUG"},
        "loggers": {name: {"level": "DEBUG"} for name in ("urllib3", "requests", "tap-onefile", "singer_sdk")},
    }
    (tmp_path / "logging.json").write_text(json.dumps(log_config))
    return {
        "SINGER_SDK_LOG_CONFIG": str(tmp_path / "logging.json"),
        "LOGLEVEL": "DEBUG",
        "TAP_ONEFILE_LOGLEVEL": "DEBUG",
        "PYTHONFAULTHANDLER": "1",
    }


def run_loud(
    folder: Path, loud: dict[str, str], config: dict[str, Any] | None, *arguments: str
) -> tuple[int, str, str]:
    """Run the tap with all its voices; gives its status, standard output and standard error."""
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
        arguments = ("--config", "config.json", *arguments)
    finished = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "tap_onefile", *arguments],
        cwd=folder,
        env={**clean_environment(), **loud},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    return finished.returncode, finished.stdout, finished.stderr


def all_but_records(stdout: str) -> str:
    """Give the messages that are no records: schemas, states, versions."""
    return "\n".join(line for line in stdout.splitlines() if '"type":"RECORD"' not in line)


def left_behind(folder: Path) -> str:
    """Give what lies in the folder of a run, but for what was put there."""
    given = {"config.json", "catalog.json", "logging.json"}
    return "\n".join(
        str(path) + path.read_text() for path in folder.rglob("*") if path.is_file() and path.name not in given
    )


@pytest.mark.slow
@pytest.mark.parametrize("accident", FAULTS)
def test_whatever_goes_wrong_no_secret_and_no_person_is_told(
    tmp_path: Path, start_sandbox: StartSandbox, loud: dict[str, str], accident: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sandbox = start_sandbox(seed=SEED, learners=12, verbose=True)
    needles = Needles(sandbox)
    for each in FAULTS[accident]:
        message = each.message.format(needles=f"{needles.person} {sandbox.customer_token}")
        sandbox.add_fault(replace(each, message=message))
    sandbox.world.change("placements", sandbox.world.ids("placements")[0], **{needles.person: needles.person})
    config = config_for(sandbox, page_size=4, fetch_details=list(DETAILED), pseudonym_key=KEY, **GIVES_UP_SOON)

    status, stdout, stderr = run_loud(tmp_path, loud, config, *select(tmp_path))

    assert '"POST /api/v2.1/Authentication HTTP/1.1"' in stderr, "the logs must be loud"
    assert status == (0 if accident in MENDED else 1), stderr
    assert needles.found_in(stderr) == set()
    assert needles.found_in(all_but_records(stdout)) == set()
    assert needles.found_in(left_behind(tmp_path)) == set()
    assert needles.found_in(capfd.readouterr().err) == set(), "the sandbox tells it"


@pytest.mark.slow
def test_no_other_command_tells_a_secret_or_a_person(tmp_path: Path, sandbox: Sandbox, loud: dict[str, str]) -> None:
    needles = Needles(sandbox)
    config = config_for(sandbox, pseudonym_key=KEY)

    tests = (["--test"], ["--test=schema"], ["--check-api"], ["--check-api=json"])
    for arguments in (*tests, ["--discover"], ["--about", "--format=json"], ["--version"]):
        status, stdout, stderr = run_loud(tmp_path, loud, config, *arguments)

        assert status == 0, stderr
        assert needles.found_in(stdout + stderr + left_behind(tmp_path)) == set(), arguments


MISPLACED: list[dict[str, Any]] = [
    {"environment": "{token}"},
    {"api_url": "{token}"},
    {"api_url": "https://{token}@example.invalid/api"},
    {"api_url": "https://example.invalid/api?token={token}"},
    {"api_url": "http://127.0.0.1:9/{token}"},
    {"customer_token": ["{token}"]},
    {"customer_token": {"value": "{token}"}},
    {"customer_token": "{token}\n{token}"},
    {"start_date": "{token}"},
    {"organisation_ids": ["{token}"]},
    {"page_size": "{token}"},
    {"user_agent": "{token}\n"},
    {"token": "{token}"},
    {"{token}": "{token}"},
    {"customer_token {token}": 1},
    {"stream_maps": {"learners": {"Email": "'{token}' +"}}},
    {"stream_maps": "{token}"},
    {"flattening_max_depth": "{token}"},
    {"personal_data": "{token}"},
    {"pseudonym_key": "{token}"[:9]},
]


@pytest.mark.parametrize("setting", MISPLACED, ids=repr)
def test_a_token_in_the_wrong_setting_is_not_repeated(
    tmp_path: Path, sandbox: Sandbox, loud: dict[str, str], setting: dict[str, Any]
) -> None:
    token = sandbox.customer_token
    misplaced = json.loads(json.dumps(setting).replace("{token}", token))

    status, stdout, stderr = run_loud(tmp_path, loud, {**config_for(sandbox, retry_for=0), **misplaced})

    assert status in {0, 1}
    assert token not in all_but_records(stdout) + stderr
    assert status == 0 or stderr.rstrip().rsplit("\n", 1)[-1].strip()
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    "argument",
    [
        '{"customer_token": "{token}"}',
        ' {"customer_token": "{token}"',
        '["{token}"]',
        '"{token}"',
        "{token}",
        "folder/{token}",
    ],
)
def test_settings_in_place_of_the_name_of_a_file_are_not_repeated(
    tmp_path: Path, sandbox: Sandbox, loud: dict[str, str], argument: str
) -> None:
    token = sandbox.customer_token

    status, stdout, stderr = run_loud(tmp_path, loud, None, "--config", argument.replace("{token}", token))

    assert status == 1
    assert token not in stdout + stderr
    *_, last = stderr.rstrip().splitlines()
    inline = '"' in argument
    assert ("write them to a file" if inline else "The file passed to --config cannot be read: No such file") in last
    assert "Traceback" not in stderr


NEEDLE = "Zaphod Needlestone"
EXPRESSIONS: list[dict[str, Any]] = [
    {"__filter__": f"LastName != '{NEEDLE}'"},
    {"__filter__": f"LastName.upper() != '{NEEDLE}' and FirstName"},
    {"__filter__": f"LastName == '{NEEDLE}' +"},
    {"__filter__": f"LastName.nothing('{NEEDLE}')"},
    {"__filter__": f"Nothing == '{NEEDLE}'"},
    {"LastName": f"LastName.replace('{NEEDLE}', '')"},
    {"LastName": f"int('{NEEDLE}')"},
    {"LastName": f"'{NEEDLE}' +"},
    {"LastName": [NEEDLE]},
    {"__alias__": f"'{NEEDLE}'["},
    {NEEDLE: None},
    {"__key_properties__": [NEEDLE]},
]
"""Stream maps with a person's name in them, good and broken."""


@pytest.mark.parametrize(
    ("maps", "is_loud"),
    [*((maps, True) for maps in EXPRESSIONS), *((maps, False) for maps in EXPRESSIONS[:4])],
    ids=repr,
)
def test_no_word_of_a_stream_map_is_logged(
    tmp_path: Path, start_sandbox: StartSandbox, loud: dict[str, str], *, maps: dict[str, Any], is_loud: bool
) -> None:
    sandbox = start_sandbox(learners=5, organisations=1)
    config = config_for(sandbox, stream_maps={"learners": maps})

    status, stdout, stderr = run_loud(tmp_path, loud if is_loud else {}, config, *select(tmp_path, "learners"))

    assert status in {0, 1}
    for word in NEEDLE.split():
        assert word not in all_but_records(stdout) + stderr
    assert status == 0 or "The setting stream_maps" in stderr.rstrip().splitlines()[-1]
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    "rows",
    [
        {"Placement": [{"ID": "needle" * 200_000}]},
        {"Placement": [{"ID": "7" * 1_000_000}]},
        {"Placement": [{"ID": 12, "Name": "needle" * 200_000, "needle" * 200_000: 1}]},
        {"Organisation": [{"ID": 9101, "Name": "needle" * 200_000}]},
        {"Organisation": [{"ID": "needle" * 200_000, "Name": "needle" * 200_000}]},
        {"Standard": [{"ID": 5}], "Unit": [{"ID": "needle" * 200_000, "Title": "Long"}]},
        {"Standard": [{"ID": 5}], "Unit": [{"ID": "needle" * 300, "Title": "Less long"}]},
        {"Standard": [{"ID": 5}], "Unit": [{"ID": "needle" * 30, "Title": "Long"}], f"Unit/{'needle' * 30}": b"oops"},
    ],
    ids=["id", "digits", "names", "organisation", "organisation-id", "text-id", "long-path", "failing-path"],
)
def test_no_text_of_a_million_characters_is_logged(
    tmp_path: Path, loud: dict[str, str], rows: dict[str, list[Any] | bytes]
) -> None:
    arguments = select(tmp_path, "placements", "units")
    with scripted_server(rows) as address:
        config = {**address, "fetch_details": ["units"], **GIVES_UP_SOON}
        status, _, stderr = run_loud(tmp_path, loud, config, *arguments)

    assert status in {0, 1}
    ours = [line for line in stderr.splitlines() if "HTTP/1.1" not in line]
    assert max(map(len, stderr.splitlines())) < 10_000
    assert not [line for line in ours if "needle" * 20 in line]
    assert "Traceback" not in stderr


@pytest.mark.parametrize("argument", ["--customer_token=x-secret-x", "--token", "x-secret-x"])
def test_no_setting_is_an_argument_that_a_process_list_would_show(
    tmp_path: Path, loud: dict[str, str], argument: str
) -> None:
    status, _, stderr = run_loud(tmp_path, loud, None, argument)

    assert status
    assert "No such option" in stderr or "unexpected" in stderr


def allow_core_dumps() -> None:
    """Do what an administrator does who wants core dumps of everything, as far as this machine lets us."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def test_a_crash_report_holds_no_secret_and_no_person(tmp_path: Path, sandbox: Sandbox, loud: dict[str, str]) -> None:
    needles = Needles(sandbox)
    sandbox.add_fault(Fault("hang", match="POST /Placement/Search", times=None))
    environ = {**loud, "PYTHONDEVMODE": "1"}
    with start_tap(tmp_path, config_for(sandbox), environ=environ, before=allow_core_dumps) as process:
        sandbox.wait_for("Placement")
        assert process.poll() is None
        listed = Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
        limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8")
        process.send_signal(signal.SIGABRT)
        stderr = process.communicate(timeout=30)[1].decode()

    assert "Fatal Python error: Aborted" in stderr
    assert needles.found_in(stderr + listed) == set()
    assert re.search("Max core file size +0 +0", limits), "a core dump would hold all that the memory holds"


def test_the_needles_are_found_where_they_are(sandbox: Sandbox) -> None:
    needles = Needles(sandbox)
    (learner, *_) = sandbox.records("learners", details=True)

    assert len(needles.all) > 300
    for text in (sandbox.customer_token, learner["Email"], f"{learner['FirstName']} {learner['LastName']}"):
        assert needles.found_in(f"a log line with {text} in it")
    assert needles.found_in(quote(sandbox.customer_token, safe=""))
