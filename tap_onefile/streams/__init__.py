"""Every stream, in reading order: the table of contents of OneFile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_onefile.streams import learning, organisations, people, places, qualifications

if TYPE_CHECKING:
    from tap_onefile.streams.base import OneFileStream

STREAMS: tuple[type[OneFileStream], ...] = (
    organisations.Customers,
    organisations.Organisations,
    qualifications.LearnerStatuses,
    learning.LearningAimStatuses,
    learning.AssignedStandards,
    people.Assessors,
    people.TraineeAssessors,
    people.IQAs,
    people.LeadIQAs,
    people.Employers,
    people.Observers,
    people.EQAs,
    people.CentreMonitors,
    people.UserManagers,
    people.CentreManagers,
    people.Learners,
    people.ArchivedLearners,
    places.Classrooms,
    places.Placements,
    places.Providers,
    qualifications.Standards,
    qualifications.Units,
    qualifications.FrameworkTemplates,
    learning.LearningAims,
    learning.UnitSummaries,
    learning.Reviews,
    learning.Plans,
    learning.OffTheJob,
    learning.Timesheets,
)

DETAILED = tuple(stream.name for stream in STREAMS if stream.has_details)
"""Names of the streams whose records can each be read in full by a call of its own."""

PARENTS = {stream.name: parent.name for stream in STREAMS for parent in STREAMS if stream.parent_stream_type is parent}
"""The parent of each child stream."""
