"""Every stream, in reading order: the table of contents of OneFile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_onefile.streams.learning import (
    AssignedStandards,
    LearningAims,
    LearningAimStatuses,
    OffTheJob,
    Plans,
    Reviews,
    Timesheets,
    UnitSummaries,
)
from tap_onefile.streams.organisations import Customers, Organisations
from tap_onefile.streams.people import (
    ArchivedLearners,
    Assessors,
    CentreManagers,
    CentreMonitors,
    Employers,
    EQAs,
    IQAs,
    LeadIQAs,
    Learners,
    Observers,
    TraineeAssessors,
    UserManagers,
)
from tap_onefile.streams.places import Classrooms, Placements, Providers
from tap_onefile.streams.qualifications import FrameworkTemplates, LearnerStatuses, Standards, Units

if TYPE_CHECKING:
    from tap_onefile.streams.base import OneFileStream

STREAMS: tuple[type[OneFileStream], ...] = (
    Customers,
    Organisations,
    LearnerStatuses,
    LearningAimStatuses,
    AssignedStandards,
    Assessors,
    TraineeAssessors,
    IQAs,
    LeadIQAs,
    Employers,
    Observers,
    EQAs,
    CentreMonitors,
    UserManagers,
    CentreManagers,
    Learners,
    ArchivedLearners,
    Classrooms,
    Placements,
    Providers,
    Standards,
    Units,
    FrameworkTemplates,
    LearningAims,
    UnitSummaries,
    Reviews,
    Plans,
    OffTheJob,
    Timesheets,
)

DETAILED = tuple(str(stream.name) for stream in STREAMS if stream.has_details)
"""Names of the streams of which each record can be read in full by a call of its own."""

NEEDED = {
    str(stream.name): tuple(name for name in (*stream.primary_keys, stream.replication_key) if isinstance(name, str))
    for stream in STREAMS
}
"""The fields without which each stream cannot be read: its keys, and what tells what has changed."""

PARENTS = {
    str(stream.name): str(parent.name)
    for stream in STREAMS
    for parent in STREAMS
    if stream.parent_stream_type is parent
}
"""The stream by whose records each stream is read, if any."""
