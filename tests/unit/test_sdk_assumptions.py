"""What the tap relies on beyond the promises of the SDK, each thing by itself: a new SDK shows here what it changes.

The tap and the streams are as small as the SDK lets them be, and none of ours.
"""

from __future__ import annotations

import ast
import copy
import json
import logging
import signal
import time
import traceback
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from click.testing import CliRunner
from singer_sdk import Stream, Tap, metrics
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.exceptions import ConfigValidationError, MapExpressionError, StreamMapConfigError
from singer_sdk.helpers._state import StateWriter
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.logging import ConsoleFormatter
from singer_sdk.mapper import CustomStreamMap, PluginMapper, RemoveRecordTransform, SameRecordTransform
from singer_sdk.singerlib import Catalog, MetadataMapping, RecordMessage
from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

from tap_onefile.singer.writer import BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.metrics import Counter
    from singer_sdk.singerlib import Message

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "ID": {"type": "integer"},
        "Name": {"type": ["string", "null"]},
        "Changed": {"type": ["string", "null"], "format": "date-time"},
    },
}
EARLY, LATE = "2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z"
FAR_OFF = "2999-01-01T00:00:00.000000Z"
CONTEXT = {"ParentID": 1}


class Kept(MsgSpecWriter):
    """Keeps messages in place of writing them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    @override
    def write_message(self, message: Message) -> None:
        self.messages.append(json.loads(self.serialize_message(message)))

    def kinds(self) -> list[str]:
        return [f"{message['type']} {message.get('stream', '')}".strip() for message in self.messages]


class Parents(Stream):
    name = "parents"
    schema: dict[str, Any] = SCHEMA
    primary_keys = ("ID",)
    rows: ClassVar[list[dict[str, Any]]] = [
        {"ID": 1, "Name": "a", "Changed": LATE},
        {"ID": 2, "Name": None, "Changed": None},
    ]

    def __init__(self, tap: Small) -> None:
        super().__init__(tap)
        self.small = tap

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        for row in self.rows:
            self.small.events.append(f"{self.name} {row['ID']}")
            yield dict(row)
        self.small.on_read(self, context)

    @override
    def get_child_context(self, record: Record, context: Context | None) -> Context | None:
        return {"ParentID": record["ID"]}


class Children(Parents):
    name = "children"
    parent_stream_type = Parents
    state_partitioning_keys: Sequence[str] | None = ("ParentID",)


class OtherChildren(Children):
    name = "other_children"


class Grandchildren(Children):
    name = "grandchildren"
    parent_stream_type = OtherChildren


class Small(Tap):
    name = "tap-small"
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["wanted"],
        "properties": {"wanted": {"type": "integer"}},
    }
    capabilities: ClassVar[list[Any]] = [TapCapabilities.CATALOG, TapCapabilities.STATE, TapCapabilities.DISCOVER]
    kinds: ClassVar[list[type[Parents]]] = [Parents, Children]

    def __init__(self, *, config: dict[str, Any] | None = None, **options: Any) -> None:  # noqa: ANN401 - the SDK's
        self.events: list[str] = []
        self.on_read: Callable[[Stream, Context | None], None] = lambda _stream, _context: None
        super().__init__(config=config or {"wanted": 1}, message_writer=Kept(), **options)

    @property
    def kept(self) -> Kept:
        assert isinstance(self.message_writer, Kept)
        return self.message_writer

    @override
    def discover_streams(self) -> list[Stream]:
        return [kind(self) for kind in self.kinds]


def small(*kinds: type[Parents], **options: Any) -> Small:  # noqa: ANN401 - they are the SDK's
    """Make a tap that has these streams."""
    made: Small = type("Made", (Small,), {"kinds": kinds})(**options)
    return made


def family(**options: Any) -> Small:  # noqa: ANN401 - they are the SDK's
    return small(Parents, Children, OtherChildren, Grandchildren, **options)


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


def catalog_of(tap: Tap, *unselected: str) -> dict[str, Any]:
    catalog: dict[str, Any] = copy.deepcopy(tap.catalog_dict)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] not in unselected
    return catalog


def incremental(tap: Tap, name: str = "children") -> Stream:
    stream = tap.streams[name]
    stream.replication_key = "Changed"
    return stream


# The state.


class Scattered(StreamStateManager):
    """Finds the state of a context elsewhere than in the SDK's list, and notes nothing of records."""

    @override
    def get_context_state(self, context: Context | None) -> dict[str, Any]:
        return {} if context else self.stream_state

    @override
    def write_starting_replication_value(self, *_args: Any, **_options: Any) -> None:
        pass

    @override
    def increment_state(self, *_args: Any, **_options: Any) -> None:
        pass


def test_all_that_the_sdk_notes_of_a_context_goes_through_the_state_manager(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ours = {"replication_key": "Changed", "organisations": {"1": EARLY}}
    tap = Small(state={"bookmarks": {"children": ours}})
    children = incremental(tap)
    scattered = Scattered(stream_name="children", tap_state=tap.state, state_partitioning_keys=("ParentID",))
    monkeypatch.setattr(Children, "state_manager", property(lambda _self: scattered))
    children.sync(CONTEXT)
    children.finalize_state_progress_markers()

    assert tap.state == {"bookmarks": {"children": {"replication_key": "Changed", "organisations": {"1": EARLY}}}}
    assert not [message for message in caplog.messages if "bookmark value" in message or "resumable" in message]
    assert tap.kept.kinds()[-1] == "STATE"


def test_a_context_that_ends_keeps_the_bookmark_that_the_stream_has_set_itself() -> None:
    tap = Small()
    children = incremental(tap)
    bookmark = {"replication_key": "Changed", "replication_key_value": EARLY}
    tap.on_read = lambda stream, context: stream.get_context_state(context).update(bookmark)
    scattered: dict[str, Any] = {}

    class Kept(Scattered):
        @override
        def get_context_state(self, context: Context | None) -> dict[str, Any]:
            return scattered if context else self.stream_state

    children._state_manager = Kept(stream_name="children", tap_state=tap.state, state_partitioning_keys=("ParentID",))
    children.sync(CONTEXT)
    children.finalize_state_progress_markers()

    assert scattered == bookmark


def test_every_state_is_handed_to_the_state_writer_of_the_tap_which_may_leave_it_out() -> None:
    handed: list[object] = []

    class Rare(StateWriter):
        @override
        def write_state(self, state: object) -> None:
            handed.append(copy.deepcopy(state))

    tap = Small(state={"bookmarks": {"others": {"kept": True}}})
    tap._state_writer = Rare(tap.kept)
    tap.sync_all()

    assert handed[0] == {"bookmarks": {"others": {"kept": True}}}
    assert len(handed) > 2
    assert "STATE" not in tap.kept.kinds()


def test_the_schema_is_written_for_each_context_by_one_method_and_need_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(Children, "_write_schema_message", lambda self: written.append(self.name))
    tap = Small()
    tap.sync_all()

    assert written == ["children"] * len(Parents.rows)
    assert "RECORD children" in tap.kept.kinds()
    assert "SCHEMA children" not in tap.kept.kinds()


def test_the_log_of_a_context_that_begins_starts_with_the_same_words() -> None:
    logged: list[str] = []

    class Beginning(Children):
        @override
        def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
            logged.append(message)

    small(Parents, Beginning).streams["children"].sync(CONTEXT)

    assert logged
    assert [message for message in logged if message.startswith("Beginning sync")] == logged[:1]


def test_meters_that_keep_quiet_when_they_are_left_leave_no_metric_and_count_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    class QuietCounter(metrics.Counter):
        @override
        def exit(self) -> None:
            pass

    class QuietTimer(metrics.Timer):
        @override
        def __exit__(
            self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
        ) -> None:
            pass

    counter = QuietCounter(metrics.Metric.RECORD_COUNT, {metrics.Tag.STREAM: "children"})
    timer = QuietTimer(metrics.Metric.SYNC_DURATION, {metrics.Tag.STREAM: "children"})

    class Quiet(Children):
        @override
        def get_record_counter(self, **options: Any) -> Counter:
            return counter

        @override
        def get_sync_timer(self) -> metrics.Timer:
            return timer

    children = small(Parents, Quiet).streams["children"]
    children.sync(CONTEXT)
    children.sync(CONTEXT)

    assert counter.value == 2 * len(Parents.rows)
    assert not [message for message in caplog.messages if "METRIC" in message]
    children._log_metric(metrics.Point("counter", counter.metric, counter.value, counter.tags))
    assert [message for message in caplog.messages if '"record_count","value":4,' in message]


def test_the_replication_method_may_be_ours_unless_the_catalog_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ours(Children):
        @property
        @override
        def replication_method(self) -> str:
            return str(self.forced_replication_method or "FULL_TABLE")

    def methods(tap: Tap) -> set[str]:
        return {tap.streams["children"].replication_method, *(each["replication_method"] for each in entries(tap))}

    def entries(tap: Tap) -> list[dict[str, Any]]:
        return [each for each in tap.catalog_dict["streams"] if each["tap_stream_id"] == "children"]

    monkeypatch.setattr(Ours, "replication_key", "Changed")
    catalog = catalog_of(small(Parents, Ours))
    (entry,) = (each for each in catalog["streams"] if each["tap_stream_id"] == "children")
    assert methods(small(Parents, Ours)) == {"FULL_TABLE"}
    assert entry["replication_key"] == "Changed"

    entry["replication_method"] = "INCREMENTAL"
    assert methods(small(Parents, Ours, catalog=catalog)) == {"INCREMENTAL"}


def test_the_state_of_an_earlier_run_is_that_of_the_stream_whatever_its_keys() -> None:
    ours = {"replication_key": "Changed", "organisations": {"1": EARLY}}
    tap = Small(state={"bookmarks": {"children": ours}})

    assert tap.streams["children"].stream_state == ours
    assert tap.streams["children"].partitions is None


def test_without_a_signpost_a_bookmark_has_no_limit() -> None:
    class Unlimited(Children):
        @override
        def get_replication_key_signpost(self, context: Context | None = None) -> None:
            pass

    bookmarks = []
    for kind in (Children, Unlimited):
        tap = small(Parents, kind)
        children = incremental(tap)
        tap.on_read = lambda stream, context: stream.get_context_state(context).update(
            progress_markers={"replication_key": "Changed", "replication_key_value": FAR_OFF}
        )
        children.sync(CONTEXT)
        bookmarks.append(children.get_context_state(CONTEXT)["replication_key_value"])

    assert bookmarks[0] < bookmarks[1] == FAR_OFF


# Records that are sent by side effect.


class Silent(Children):
    """Yields nothing; with one state for all contexts."""

    state_partitioning_keys = ()
    rows: ClassVar[list[dict[str, Any]]] = []


@pytest.mark.parametrize("is_flushed", [True, False])
def test_get_records_may_send_by_itself_and_an_unset_is_flushed_makes_the_next_state_be_written(
    is_flushed: bool,  # noqa: FBT001
) -> None:
    tap = small(Parents, Silent)
    tap.on_read = lambda stream, _context: setattr(stream.state_manager, "is_flushed", is_flushed)
    tap.streams["children"].sync(CONTEXT)

    assert tap.kept.kinds() == ["SCHEMA children", *([] if is_flushed else ["STATE"])]


def test_the_counter_of_the_records_is_asked_for_once_in_a_sync(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    counters: list[Counter] = []

    class Counted(Children):
        @override
        def get_record_counter(self, **options: Any) -> Counter:
            counters.append(super().get_record_counter(**options))
            return counters[-1]

        @override
        def get_records(self, context: Context | None) -> Iterable[Record]:
            counters[-1].increment(5)
            return []

    small(Parents, Counted).streams["children"].sync(CONTEXT)

    assert len(counters) == 1
    assert any('"record_count","value":5,' in message for message in caplog.messages)


@pytest.mark.parametrize("version", [None, 7])
def test_a_record_message_is_spelled_as_our_writer_spells_it(version: int | None) -> None:
    ours = BufferedWriter()
    ours.versions = {} if version is None else {"children": version}
    record = {"ID": 1, "Name": "Siân", "Hours": 7.5, "Emails": [None]}
    ours.write_records("children", {name: [value] for name, value in record.items()})
    line = bytes(ours._buffer)
    extracted = datetime.fromisoformat(json.loads(line)["time_extracted"])
    message = RecordMessage("children", record, version=version, time_extracted=extracted)

    assert line == bytes(MsgSpecWriter().format_message(message))


def test_no_record_is_lost_where_a_field_has_fewer_values_than_others() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        BufferedWriter().write_records("children", {"ID": [1, 2], "Name": ["Siân"]})


def test_a_record_has_the_stream_the_time_and_the_version_of_its_stream() -> None:
    tap = Small()
    tap.streams["children"]._stream_version = 7
    tap.streams["children"].sync(CONTEXT)
    message = next(message for message in tap.kept.messages if message["type"] == "RECORD")

    assert list(message) == ["type", "stream", "record", "version", "time_extracted"]
    assert message["record"] == {"ID": 1, "Name": "a", "Changed": LATE}
    assert (message["stream"], message["version"]) == ("children", 7)


def test_every_message_goes_through_the_writer_of_the_tap_the_state_included() -> None:
    tap = Small(state={"bookmarks": {"parents": {}}})
    tap.sync_all()

    assert {"SCHEMA parents", "RECORD parents", "SCHEMA children", "RECORD children", "STATE"} == set(tap.kept.kinds())


def test_a_batch_config_that_is_none_and_versions_that_are_not_wanted_leave_plain_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Parents, "get_batch_config", lambda _self, _config: None)
    monkeypatch.setattr(Parents, "emit_activate_version_messages", property(lambda _self: False))
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": "file:///nowhere"}}
    tap = Small(config={"wanted": 1, "emit_activate_version_messages": True, "batch_config": batches})
    tap.sync_all()

    assert {kind.split()[0] for kind in tap.kept.kinds()} == {"SCHEMA", "RECORD", "STATE"}


# Children.


def test_children_are_read_for_each_record_before_the_next_record_is_asked_for_and_in_the_order_of_child_streams() -> (
    None
):
    tap = family()
    tap.sync_all()

    assert [stream.name for stream in tap.streams["parents"].child_streams] == ["children", "other_children"]
    each = ["children 1", "children 2"]
    for number in (1, 2):
        each += [f"other_children {number}", "grandchildren 1", "grandchildren 2"]
    assert tap.events == ["parents 1", *each, "parents 2", *each]


def test_children_are_read_that_are_selected_or_have_selected_descendants() -> None:
    tap = family(catalog=catalog_of(family(), "parents", "children", "other_children"))
    parents = tap.streams["parents"]
    read = [each.name for each in parents.child_streams if each.selected or each.has_selected_descendents]
    tap.sync_all()

    assert read == ["other_children"]
    assert {event.split()[0] for event in tap.events} == {"parents", "other_children", "grandchildren"}
    assert {kind for kind in tap.kept.kinds() if kind != "STATE"} == {"SCHEMA grandchildren", "RECORD grandchildren"}


def test_a_record_that_a_map_filters_has_no_children_and_get_filter_result_says_so() -> None:
    tap = Small(config={"wanted": 1, "stream_maps": {"parents": {"__filter__": "ID == 2"}}})
    result = [tap.streams["parents"].stream_maps[0].get_filter_result(row) for row in Parents.rows]
    tap.sync_all()

    assert result == [False, True]
    assert tap.events == ["parents 1", "parents 2", "children 1", "children 2"]


def test_the_expressions_of_maps_are_logged_below_warnings_and_by_the_logger_of_the_mapper_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Our filter on that logger keeps them out of the log: they may name a person."""
    caplog.set_level(logging.DEBUG)
    mapper = logging.getLogger("singer_sdk.mapper")
    filters, mapper.filters = mapper.filters, []
    try:
        Small(config={"wanted": 1, "stream_maps": {"parents": {"__filter__": "Name == 'needle'"}}}).sync_all()
    finally:
        mapper.filters = filters

    telling = [record for record in caplog.records if "needle" in record.getMessage()]
    assert {record.name for record in telling} == {"singer_sdk.mapper"}
    assert max(record.levelno for record in telling) < logging.WARNING


def test_a_stream_that_a_map_removes_has_a_remove_transform_and_no_child_is_read() -> None:
    tap = Small(config={"wanted": 1, "stream_maps": {"parents": "__NULL__"}})
    tap.sync_all()

    assert isinstance(tap.streams["parents"].stream_maps[0], RemoveRecordTransform)
    assert tap.events == ["parents 1", "parents 2"]


# Schemas, selections and maps.


def test_a_stream_without_maps_has_a_transform_that_changes_nothing() -> None:
    (plain,) = Small().streams["parents"].stream_maps

    assert isinstance(plain, SameRecordTransform)
    assert not plain.flattening_enabled
    assert plain.stream_alias == "parents"


def test_flattening_is_seen_on_the_transform() -> None:
    tap = Small(config={"wanted": 1, "flattening_enabled": True, "flattening_max_depth": 1})

    assert [each.flattening_enabled for each in tap.streams["parents"].stream_maps] == [True]


def test_maps_are_kept_by_the_name_of_the_stream_and_lack_what_a_catalog_does_not_list() -> None:
    catalog = catalog_of(Small())
    catalog["streams"] = [stream for stream in catalog["streams"] if stream["tap_stream_id"] == "parents"]

    assert set(Small().mapper.stream_maps) == {"parents", "children"}
    assert set(Small(catalog=catalog).mapper.stream_maps) == {"parents"}


def test_the_schema_of_a_stream_may_be_replaced_after_it_was_made() -> None:
    class Narrow(Parents):
        name = "narrow"

        def __init__(self, tap: Small) -> None:
            super().__init__(tap)
            self.schema = {"type": "object", "properties": {"ID": {"type": "integer"}}}

    tap = small(Narrow)
    tap.sync_all()

    assert tap.catalog_dict["streams"][0]["schema"]["properties"].keys() == {"ID"}
    assert tap.kept.messages[0]["schema"]["properties"].keys() == {"ID"}


def test_the_mask_says_by_its_breadcrumb_whether_a_field_is_selected() -> None:
    catalog = catalog_of(Small())
    for stream in catalog["streams"]:
        stream["metadata"] = [entry for entry in stream["metadata"] if entry["breadcrumb"] != ["properties", "Name"]]
        stream["metadata"].append({"breadcrumb": ["properties", "Name"], "metadata": {"selected": False}})
    mask = Small(catalog=catalog).streams["parents"].mask

    assert (mask["properties", "ID"], mask["properties", "Name"], mask["properties", "Changed"]) == (True, False, True)


def test_a_catalog_is_taken_from_input_catalog_and_applied_to_each_stream() -> None:
    applied: list[str] = []

    class Applied(Parents):
        @override
        def apply_catalog(self, catalog: Any) -> None:
            super().apply_catalog(catalog)
            entry = catalog.get_stream(self.name)
            applied.extend(entry.schema.to_dict()["properties"])

    class Replaced(Small):
        kinds: ClassVar[list[type[Parents]]] = [Applied]

        @property
        @override
        def input_catalog(self) -> Any:
            return Catalog.from_dict(narrower) if super().input_catalog else None

    narrower = catalog_of(Small())
    for stream in narrower["streams"]:
        del stream["schema"]["properties"]["Name"]
    assert Replaced(catalog=catalog_of(Small())).streams

    assert "Name" not in applied
    assert "ID" in applied


def test_the_catalog_that_is_discovered_is_catalog_dict(capsys: pytest.CaptureFixture[str]) -> None:
    class Described(Small):
        @property
        @override
        def catalog_dict(self) -> dict[str, Any]:
            return {**super().catalog_dict, "described": True}

    Described().run_discovery()

    assert json.loads(capsys.readouterr().out)["described"] is True


# A trial of the connection.


def test_a_real_run_has_no_limit_of_records_and_a_dry_run_has_one_and_selects_all_that_it_is_given() -> None:
    tap = family(catalog=catalog_of(family(), *family().streams))
    assert {stream.ABORT_AT_RECORD_COUNT for stream in tap.streams.values()} == {None}
    assert not any(stream.selected for stream in tap.streams.values())

    tried = [tap.streams["parents"], tap.streams["children"]]
    assert tap.run_sync_dry_run(streams=tried)

    assert {stream.ABORT_AT_RECORD_COUNT for stream in tried} == {1}
    assert {name for name, stream in tap.streams.items() if stream.selected} == {"parents", "children"}
    assert {event.split()[0] for event in tap.events} == {"parents", "children"}


# The log.


def test_the_log_of_a_failure_begins_with_the_same_words() -> None:
    logged: list[str] = []

    class Failing(Children):
        @override
        def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
            if level >= logging.WARNING:
                logged.append(message)

        @override
        def get_records(self, context: Context | None) -> Iterable[Record]:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        small(Parents, Failing).streams["children"].sync(CONTEXT)

    assert [message.startswith("An unhandled error occurred") for message in logged] == [True]


def test_what_the_sdk_warns_of_comes_from_a_folder_of_its_name(caplog: pytest.LogCaptureFixture) -> None:
    incremental(Small()).sync(CONTEXT)
    warned = [record for record in caplog.records if "resumable" in record.message or "is null" in record.message]

    assert warned
    for record in warned:
        assert "singer_sdk" in Path(record.pathname).parts


def test_the_command_line_logs_by_a_console_formatter_on_the_root_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.delenv("SINGER_SDK_LOG_CONFIG", raising=False)
    assert Small.cli.name == "tap-small"

    assert [type(handler.formatter) for handler in root.handlers] == [ConsoleFormatter]


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("Name.upper()", MapExpressionError),
        ("1 / ID - 1 / (ID - ID)", ZeroDivisionError),
        ("unheard_of", MapExpressionError),
    ],
)
def test_what_goes_wrong_in_an_expression_of_a_stream_map_has_passed_the_file_of_the_mapper(
    expression: str, kind: type[Exception]
) -> None:
    tap = Small(config={"wanted": 1, "stream_maps": {"parents": {"Loud": expression}}})
    with pytest.raises(kind) as failed:
        tap.sync_all()
    places = [Path(frame.filename).parts[-2:] for frame in traceback.extract_tb(failed.value.__traceback__)]

    assert ("singer_sdk", "mapper.py") in places


@pytest.mark.parametrize(
    ("rule", "kind"), [({"ID": None}, StreamMapConfigError), ({"Loud": "1 +"}, MapExpressionError)]
)
def test_maps_that_cannot_be_used_are_refused_as_such_when_the_tap_is_made(
    rule: dict[str, str | None], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        Small(config={"wanted": 1, "stream_maps": {"parents": rule}})


@pytest.mark.parametrize(
    ("expression", "kind"),
    [("Name.upper()", "AttributeDoesNotExist"), ("Name.format(1)", "FeatureNotAvailable"), ("a", "NameNotDefined")],
)
def test_the_cause_of_an_expressions_failure_is_told_by_its_class(expression: str, kind: str) -> None:
    (each,) = Small(config={"wanted": 1, "stream_maps": {"parents": {"Loud": expression}}}).mapper.stream_maps[
        "parents"
    ]
    with pytest.raises(MapExpressionError) as failed:
        each.transform(Parents.rows[1])

    assert type(failed.value.__cause__).__name__ == kind


def test_the_evaluator_of_a_map_tells_its_functions_and_the_parts_of_python_that_it_knows() -> None:
    nothing = CustomStreamMap("", {}, {}, {"properties": {}}, None, {}, None, stream_name="")
    evaluator: Any = nothing.expr_evaluator

    assert {"md5", "sha256", "str", "list", "json", "datetime"} <= evaluator.functions.keys()
    assert {ast.Name, ast.Call, ast.ListComp} <= evaluator.nodes.keys()
    assert {ast.Add, ast.Eq, ast.Not, ast.Is} <= evaluator.operators.keys()
    assert not {ast.Lambda, ast.SetComp, ast.NamedExpr} & evaluator.nodes.keys()
    assert nothing.fake is None


def test_the_maps_of_a_stream_may_be_replaced_before_it_is_read() -> None:
    tap = Small()
    (plain,) = tap.mapper.stream_maps["parents"]
    tap.mapper.stream_maps["parents"] = [
        CustomStreamMap(
            stream_alias="others",
            map_config={},
            faker_config={},
            raw_schema=plain.raw_schema,
            key_properties=plain.raw_key_properties,
            map_transform={"Name": None},
            flattening_options=plain.flattening_options,
            stream_name="parents",
        )
    ]
    tap.sync_all()

    sent = [message for message in tap.kept.messages if message.get("stream") == "others"]
    assert [message["type"] for message in sent] == ["SCHEMA", "RECORD", "RECORD"]
    assert not [message for message in sent if "Name" in json.dumps(message)]


def test_a_stream_that_is_off_has_maps_of_all_its_fields_if_its_metadata_is_left_out() -> None:
    entry = Catalog.from_dict(catalog_of(Small(), "parents"))["parents"]
    mapper = PluginMapper({"stream_maps": {}}, logging.getLogger("small"))
    mapper.register_raw_streams_from_catalog(Catalog({"parents": replace(entry, metadata=MetadataMapping())}))

    (plain,) = mapper.stream_maps["parents"]
    assert plain.raw_schema["properties"].keys() == SCHEMA["properties"].keys()
    assert tuple(plain.raw_key_properties or ()) == ("ID",)


@pytest.mark.parametrize(("alias", "name"), [("people", "people"), ("'raw_' + __stream_name__", "raw_parents")])
def test_an_alias_is_a_name_or_an_expression(alias: str, name: str) -> None:
    mapper = PluginMapper({"stream_maps": {"parents": {"__alias__": alias}}}, logging.getLogger("small"))
    mapper.register_raw_stream_schema("parents", SCHEMA, ("ID",))

    assert mapper.stream_maps["parents"][0].stream_alias == name


def test_flattening_that_gives_two_fields_one_name_is_a_value_error() -> None:
    options: Any = {"flattening_enabled": True, "flattening_max_depth": 1, "flattening_max_key_length": 3}
    schema = {"type": "object", "properties": {"FirstName": {"type": "string"}, "FullName": {"type": "string"}}}
    mapper = PluginMapper(options, logging.getLogger("small"))

    with pytest.raises(ValueError, match="Duplicate column name"):
        mapper.register_raw_stream_schema("parents", schema, ())


# The command line.


class Stub(Small):
    """A tap whose config comes from an object of our own."""

    @classmethod
    @override
    def cb_config(cls, ctx: Any, param: Any, value: Any) -> Any:
        return SimpleNamespace(config={"wanted": len(value)}, parse_env="ENV" in value)


def test_discovery_takes_the_settings_from_any_object_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, object]] = []

    class Discovered(Stub):
        def __init__(self, **options: Any) -> None:  # noqa: ANN401 - they are the SDK's
            made.append((options["config"], options["parse_env_config"]))
            super().__init__(**options)

    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    # --config is read before --discover, wherever it stands.
    outcome = CliRunner().invoke(Discovered.get_singer_command(), ["--discover", "--config", "a", "--config", "ENV"])

    assert outcome.exit_code == 0
    assert made == [({"wanted": 2}, True)]
    assert {stream["tap_stream_id"] for stream in json.loads(outcome.stdout)["streams"]} == {"parents", "children"}


def test_a_run_is_started_by_invoke_with_these_options() -> None:
    given: dict[str, Any] = {}

    class Invoked(Stub):
        @classmethod
        @override
        def invoke(cls, **options: Any) -> None:
            given.update(options)

    assert CliRunner().invoke(Invoked.get_singer_command(), ["--config", "a"]).exit_code == 0
    assert given == {
        "about": False,
        "about_format": None,
        "config": SimpleNamespace(config={"wanted": 1}, parse_env=False),
        "state": None,
        "catalog": None,
    }


def test_about_ends_the_process_before_anything_is_read() -> None:
    outcome = CliRunner().invoke(Stub.get_singer_command(), ["--about", "--format", "json"])

    assert outcome.exit_code == 0
    assert json.loads(outcome.stdout)["name"] == "tap-small"


def test_the_options_of_the_command_have_these_names() -> None:
    options = {option.name for option in Small.get_singer_command().params}

    assert options == {"version", "about", "about_format", "config", "discover", "test", "catalog", "state"}


@pytest.mark.parametrize(("argument", "value"), [("--test", "all"), ("--test=schema", "schema")])
def test_a_test_is_started_by_cb_test_with_its_value_and_the_settings_at_hand(argument: str, value: str) -> None:
    seen: list[tuple[object, object]] = []

    class Tested(Stub):
        @classmethod
        @override
        def cb_test(cls, ctx: Any, param: Any, value: str) -> None:
            seen.append((value, ctx.params["config"].config))
            ctx.exit()

    CliRunner().invoke(Tested.get_singer_command(), ["--config", "a", argument])

    assert seen == [(value, {"wanted": 1})]


def test_settings_that_do_not_fit_raise_an_error_of_its_own() -> None:
    with pytest.raises(ConfigValidationError):
        Small(config={"wanted": "x"})


def test_the_settings_of_the_sdk_can_be_added_to_a_schema() -> None:
    class Mapping(Small):
        capabilities: ClassVar[list[Any]] = [
            PluginCapabilities.STREAM_MAPS,
            PluginCapabilities.FLATTENING,
        ]

    schema: dict[str, Any] = {"properties": {"wanted": {}}}
    Mapping.append_builtin_config(schema)

    assert {"wanted", "stream_maps", "flattening_enabled"} <= schema["properties"].keys()


# The process.


def test_the_tap_installs_handlers_for_signals_when_it_is_made() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_DFL)
    tap = Small()

    assert {signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)} == {tap._handle_termination}


def test_the_tap_knows_since_when_it_runs_in_milliseconds() -> None:
    before = time.time()
    tap = Small()

    assert before - 0.001 <= tap.initialized_at / 1000 <= time.time()
