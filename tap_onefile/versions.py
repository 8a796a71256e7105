"""Tell the target which records are the present ones, so that it can remove what OneFile no longer has.

OneFile leaves no trace of what it deletes (API reference, section 7, "Deletes"). Singer's answer is ACTIVATE_VERSION:
every record of a stream carries a version, and a target that is told which version is active removes all others. The
SDK would tell that before the first record, and once for each organisation, so that a run that fails would leave an
empty table. Here it is told once, after everything has been read.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib import ActivateVersionMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_onefile.streams.changes import ChangesStream

if TYPE_CHECKING:
    from singer_sdk import Stream

    from tap_onefile.tap import TapOneFile

logger = logging.getLogger("tap-onefile")


def versions_of(tap: TapOneFile) -> dict[str, int]:
    """Give each full-table stream that is read a version, if the settings ask for it.

    Args:
        tap: The tap.

    Returns:
        The versions by the names under which the streams are sent; none where only a part of the customer is read, as
        the version of a part would remove the rest.
    """
    if not tap.settings.tells_what_is_gone:
        return {}
    if tap.settings.organisation_ids is not None:
        logger.warning("What is gone is not told to the target, as organisation_ids leaves organisations out")
        return {}
    return {
        stream_map.stream_alias: tap.initialized_at // 1000
        for stream in tap.streams.values()
        if stream.selected and stream.replication_method == REPLICATION_FULL_TABLE and not _is_narrowed(stream, tap)
        for stream_map in stream.stream_maps
        if not isinstance(stream_map, RemoveRecordTransform)
    }


def _is_narrowed(stream: Stream, tap: TapOneFile) -> bool:
    """Tell whether the settings leave out some of a stream's records."""
    return isinstance(stream, ChangesStream) and tap.settings.start_date is not None


def activate(tap: TapOneFile, versions: dict[str, int]) -> None:
    """Tell the target which versions are the present ones.

    Args:
        tap: The tap, whose run has read everything.
        versions: The versions by the names under which the streams were sent.
    """
    for name, version in versions.items():
        if name not in tap.report.not_offered_streams:
            tap.write_message(ActivateVersionMessage(stream=name, version=version))
