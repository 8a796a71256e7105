"""Learners, assessors and the other roles: all are users to OneFile, told apart by their role."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.records.convert import in_milliseconds
from tap_onefile.records.fields import (
    CLIENTS,
    INITIAL_DOWNLOAD,
    LIKE_LEARNERS,
    PERSONAL,
    SPECIAL,
    TRACKER,
    USERS,
    WRITTEN,
    flag,
    identity,
    integer,
    known,
    number,
    organisation_id,
    person_misid,
    record,
    reference,
    text,
    texts,
    timestamp,
)
from tap_onefile.streams.incremental import IncrementalStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk import typing as th

    from tap_onefile.records.fields import Provenance


def _user(shown: Provenance, read: Provenance, written: Provenance) -> tuple[th.Property[Any], ...]:
    """Make the fields of all roles.

    Args:
        shown: How what the vendor's guide shows of learners is known of this role.
        read: How what is read of learners is known of it.
        written: How what can be set when a user is created is known of it.

    Returns:
        The fields.
    """
    return (
        *known(INITIAL_DOWNLOAD, identity("user; learners, assessors and all other roles share one sequence of ids")),
        *organisation_id(written),
        *known(
            written,
            integer(
                "Role",
                "OneFile's number of the role, such as 1 for learner; from the search where the row does not say.",
            ),
        ),
        *known(read, text("Username", "Name to log in with.", PERSONAL)),
        *known(
            INITIAL_DOWNLOAD,
            text("FirstName", "First name.", PERSONAL),
            text("LastName", "Last name.", PERSONAL),
        ),
        *known(shown, text("Email", "E-mail address.", PERSONAL)),
        *known(INITIAL_DOWNLOAD, person_misid()),
        *known(
            read,
            text("Telephone", "Telephone number.", PERSONAL),
            text("MobileNumber", "Mobile number.", PERSONAL),
            text("HomeAddress", "Home address, in several lines.", PERSONAL),
        ),
        *known(
            written,
            text("WorkAddress", "Work address, in several lines.", PERSONAL),
            text("CompanyName", "Name of the company.", PERSONAL),
            text("Website", "Website.", PERSONAL),
        ),
        *known(read, reference("PlacementID", "Id of the placement (employer site).")),
        *known(
            written,
            reference("ProviderID", "Id of the provider (sub-contractor)."),
            timestamp("CreatedOn", "When the user was created."),
        ),
        *known(read, timestamp("LastModified", "When the user was last modified; OneFile may leave it out.")),
    )


_LEARNER = (
    *known(CLIENTS, reference("ClassroomID", "Id of the classroom.")),
    *known(
        USERS,
        reference("DefaultAssessorID", "Id of the assessor who looks after the learner; 0 for none."),
        reference("DefaultEmployerID", "Id of the employer's user who looks after the learner; 0 for none."),
        reference("LearnerStatusID", "Id of the learner's status; each organisation defines its own."),
    ),
    *known(
        CLIENTS,
        text("EpisodeName", "Name of the episode (the programme the learner is on)."),
        timestamp("StartOn", "Start of the episode."),
        timestamp("PlannedEndDate", "Planned end of the episode; 1900-01-01 for not set."),
        number("Progress", "Progress in per cent."),
    ),
    # A date in the vendor's export; its form in the API is shown nowhere, so it is kept as it comes.
    *known(USERS, text("CentreRegister", "Registration with the centre, as OneFile spells it; expected to be a date.")),
    *known(
        INITIAL_DOWNLOAD,
        text("ULN", "Unique Learner Number: ten digits.", PERSONAL),
        text("NINO", "National Insurance number.", PERSONAL),
    ),
    *known(
        CLIENTS,
        timestamp(
            "DOB",
            "Date of birth, as an instant: midnight in UK time, so 23:00 UTC of the day before in summer.",
            PERSONAL,
        ),
        text("L12", "Ethnicity (ILR code).", SPECIAL),
        text("L13", "Sex (ILR code): F, M, or 9 for not known.", SPECIAL),
        text(
            "L14", "Whether the learner considers to have a learning difficulty, disability or health problem.", SPECIAL
        ),
    ),
    *known(
        USERS,
        text("L15", "Disability (ILR code).", SPECIAL),
        text("L16", "Learning difficulty (ILR code).", SPECIAL),
    ),
    *known(
        WRITTEN,
        text("PrimaryLLDDCode", "Main learning difficulty, disability or health problem (ILR code).", SPECIAL),
        texts(
            "SecondaryLLDDCodes", "Further learning difficulties, disabilities or health problems (ILR codes).", SPECIAL
        ),
    ),
    *known(
        TRACKER,
        integer("LearningDifficultyAndDisabilityID", "OneFile's id of the learning difficulty or disability.", SPECIAL),
    ),
    # There is such funding only for the needs that come of a learning difficulty, disability or health problem.
    *known(USERS, flag("SupportFunding", "Whether there is funding for learning support.", SPECIAL)),
)

_LEARNER_SCHEMA = record(*_user(INITIAL_DOWNLOAD, CLIENTS, USERS), *_LEARNER)


class UserStream(IncrementalStream):
    """Users of one role in an organisation.

    Searched page by page, as the paged search is the one that gives ULN, NINO, e-mail and the rest (help articles
    76000048013 and 76000087773 "Initial data download using API").
    """

    entity = "User"
    is_certain = True
    needs_pages = True
    has_details = True
    replication_key = "LastModified"
    schema = record(*_user(LIKE_LEARNERS, LIKE_LEARNERS, LIKE_LEARNERS))

    @override
    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        filters = {**context, **self.row_defaults}
        if since := self.get_since(context):
            filters["LastModified"] = in_milliseconds(since)
        return filters


class Learners(UserStream):
    """Learners (apprentices) who are not archived."""

    name = "learners"
    row_defaults = MappingProxyType({"Role": 1})
    schema = _LEARNER_SCHEMA


class ArchivedLearners(UserStream):
    """Learners who are archived, which is a role of its own to OneFile; not known to be searchable."""

    name = "archived_learners"
    row_defaults = MappingProxyType({"Role": 2})
    schema = _LEARNER_SCHEMA
    selected_by_default = False


class TraineeAssessors(UserStream):
    """Trainee assessors."""

    name = "trainee_assessors"
    row_defaults = MappingProxyType({"Role": 4})


class Assessors(UserStream):
    """Assessors and tutors."""

    name = "assessors"
    row_defaults = MappingProxyType({"Role": 5})


class IQAs(UserStream):
    """Internal quality assurers (internal verifiers)."""

    name = "iqas"
    row_defaults = MappingProxyType({"Role": 10})


class LeadIQAs(UserStream):
    """Lead internal quality assurers; not among the roles that the vendor calls supported in the API."""

    name = "lead_iqas"
    row_defaults = MappingProxyType({"Role": 11})
    selected_by_default = False


class Employers(UserStream):
    """Employers' users, such as line managers."""

    name = "employers"
    row_defaults = MappingProxyType({"Role": 40})


class Observers(UserStream):
    """Observers."""

    name = "observers"
    row_defaults = MappingProxyType({"Role": 45})


class EQAs(UserStream):
    """External quality assurers; not among the roles that the vendor calls supported in the API."""

    name = "eqas"
    row_defaults = MappingProxyType({"Role": 50})
    selected_by_default = False


class CentreMonitors(UserStream):
    """Centre monitors; not among the roles that the vendor calls supported in the API."""

    name = "centre_monitors"
    row_defaults = MappingProxyType({"Role": 60})
    selected_by_default = False


class UserManagers(UserStream):
    """User managers; not among the roles that the vendor calls supported in the API."""

    name = "user_managers"
    row_defaults = MappingProxyType({"Role": 62})
    selected_by_default = False


class CentreManagers(UserStream):
    """Centre managers; not among the roles that the vendor calls supported in the API."""

    name = "centre_managers"
    row_defaults = MappingProxyType({"Role": 65})
    selected_by_default = False
