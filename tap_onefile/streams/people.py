"""Learners, assessors and the other roles: to OneFile all are users, each with a role."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_onefile.records import fields as f
from tap_onefile.records.convert import in_milliseconds
from tap_onefile.streams.kinds import IncrementalStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from singer_sdk import typing as th

    from tap_onefile.api.decode import Row
    from tap_onefile.records.fields import Provenance


def _user(shown: Provenance, read: Provenance, written: Provenance) -> tuple[th.Property[Any], ...]:
    """Return the fields of all roles, each with how it is known for this one.

    Of learners, the vendor's guide shows some of them, public clients read others, and new users are written with more.
    """
    return (
        f.INITIAL_DOWNLOAD.identity("user; learners, assessors and all other roles share one sequence of ids"),
        written.organisation_id(),
        written.integer(
            "Role", "OneFile's number of the role, such as 1 for learner; from the search where the row does not say."
        ),
        read.text("Username", "Name to log in with.", f.PERSONAL),
        f.INITIAL_DOWNLOAD.text("FirstName", "First name.", f.PERSONAL),
        f.INITIAL_DOWNLOAD.text("LastName", "Last name.", f.PERSONAL),
        shown.text("Email", "E-mail address.", f.PERSONAL),
        f.INITIAL_DOWNLOAD.matching_text(
            "MISID", "Id in the customer's own MIS. Free text, and not unique.", f.PERSONAL
        ),
        read.text("Telephone", "Telephone number.", f.PERSONAL),
        read.text("MobileNumber", "Mobile number.", f.PERSONAL),
        read.text("HomeAddress", "Home address, in several lines.", f.PERSONAL),
        written.text("WorkAddress", "Work address, in several lines.", f.PERSONAL),
        written.text("CompanyName", "Name of the company.", f.PERSONAL),
        written.text("Website", "Website.", f.PERSONAL),
        read.reference("PlacementID", "Id of the placement (employer site)."),
        written.reference("ProviderID", "Id of the provider (sub-contractor)."),
        written.timestamp("CreatedOn", "When the user was created."),
        read.timestamp("LastModified", "When the user was last modified; OneFile may leave it out."),
    )


_OTHER_ROLE = _user(f.LIKE_LEARNERS, f.LIKE_LEARNERS, f.LIKE_LEARNERS)
_LEARNER = (
    f.CLIENTS.reference("ClassroomID", "Id of the classroom."),
    f.USERS.reference("DefaultAssessorID", "Id of the assessor who looks after the learner; 0 for none."),
    f.USERS.reference("DefaultEmployerID", "Id of the employer's user who looks after the learner; 0 for none."),
    f.USERS.reference("LearnerStatusID", "Id of the learner's status; each organisation defines its own."),
    f.CLIENTS.text("EpisodeName", "Name of the episode (the programme the learner is on)."),
    f.CLIENTS.timestamp("StartOn", "Start of the episode."),
    f.CLIENTS.timestamp("PlannedEndDate", "Planned end of the episode; 1900-01-01 for not set."),
    f.CLIENTS.number("Progress", "Progress in per cent."),
    # A date in the vendor's export; no source shows its format in the API, so it is kept as it comes.
    f.USERS.text("CentreRegister", "Registration with the centre, as OneFile spells it; expected to be a date."),
    f.INITIAL_DOWNLOAD.text("ULN", "Unique Learner Number: ten digits.", f.PERSONAL),
    f.INITIAL_DOWNLOAD.text("NINO", "National Insurance number.", f.PERSONAL),
    f.CLIENTS.timestamp(
        "DOB",
        "Date of birth, as an instant: midnight in UK time, so 23:00 UTC of the day before in summer.",
        f.PERSONAL,
    ),
    f.CLIENTS.text("L12", "Ethnicity (ILR code).", f.SPECIAL),
    f.CLIENTS.text("L13", "Sex (ILR code): F, M, or 9 for not known.", f.SPECIAL),
    f.CLIENTS.text(
        "L14",
        "Whether the learner considers that they have a learning difficulty, disability or health problem.",
        f.SPECIAL,
    ),
    f.USERS.text("L15", "Disability (ILR code).", f.SPECIAL),
    f.USERS.text("L16", "Learning difficulty (ILR code).", f.SPECIAL),
    f.WRITTEN.text("PrimaryLLDDCode", "Main learning difficulty, disability or health problem (ILR code).", f.SPECIAL),
    f.WRITTEN.texts(
        "SecondaryLLDDCodes", "Further learning difficulties, disabilities or health problems (ILR codes).", f.SPECIAL
    ),
    f.TRACKER.integer(
        "LearningDifficultyAndDisabilityID", "OneFile's id of the learning difficulty or disability.", f.SPECIAL
    ),
    # Such funding is only for needs that arise from a learning difficulty, disability or health problem.
    f.USERS.flag("SupportFunding", "Whether there is funding for learning support.", f.SPECIAL),
)

_LEARNER_SCHEMA = f.record(*_user(f.INITIAL_DOWNLOAD, f.CLIENTS, f.USERS), *_LEARNER)


class UserStream(IncrementalStream):
    """Users of one role in an organisation.

    Searched page by page, as the paged search is the one that gives ULN, NINO, e-mail and the rest (help articles
    76000048013 and 76000087773 "Initial data download using API").

    All of them are searched unless the catalog asks for changes only. In an export that shows both (API reference,
    section 11), `LastModified` lies before the day of archiving for all of 302 learners, and before the last activity
    for 888 of 891: what is searched by it alone grows stale. A full search costs one call for each page.
    """

    entity = "User"
    is_certain = True
    needs_pages = True
    has_details = True
    replication_key = "LastModified"
    default_replication_method = REPLICATION_FULL_TABLE
    schema = f.record(*_OTHER_ROLE)

    @override
    def __init_subclass__(cls, *, name: str, role: int, selected: bool = True) -> None:  # ty: ignore[incompatible-method-override]
        """Declare the stream of a role by OneFile's number for it."""
        super().__init_subclass__()
        cls.name = name
        cls.row_defaults = MappingProxyType({"Role": role})
        cls.selected_by_default = selected

    @override
    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        filters = {**context, **self.row_defaults}
        if since := self.get_since(context) if self.is_incremental else self.run.settings.start_date:
            filters["LastModified"] = in_milliseconds(since)
        return filters

    @override
    def get_pages(self, context: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        pages = super().get_pages(context)
        if not self.narrows_details:
            return pages
        since = self.get_since(context)
        return (self._due(page, since) for page in pages)

    def _due(self, rows: Sequence[Row], since: str | None) -> list[Row]:
        """Leave out the rows whose details are not fetched, which would be thin in the place of fuller records."""
        due = [row for row in rows if self.is_since(row, since)]
        if left := len(rows) - len(due):
            self.run.problems.not_due(self.name, left)
        return due

    @property
    def narrows_details(self) -> bool:
        """Whether all are searched, and only those that may have changed are completed and sent."""
        return self.fetches_details and not self.is_incremental

    @property
    @override
    def keeps_bookmarks(self) -> bool:
        return self.is_incremental or self.fetches_details

    @property
    @override
    def looks_back(self) -> timedelta:
        return self.run.settings.detail_window if self.narrows_details else super().looks_back


class Learners(UserStream, name="learners", role=1):
    """Learners (apprentices) who are not archived."""

    schema = _LEARNER_SCHEMA


class ArchivedLearners(UserStream, name="archived_learners", role=2, selected=False):
    """Archived learners. To OneFile this is a role of its own; whether it can be searched is not known."""

    schema = _LEARNER_SCHEMA


class TraineeAssessors(UserStream, name="trainee_assessors", role=4):
    """Trainee assessors."""


class Assessors(UserStream, name="assessors", role=5):
    """Assessors and tutors."""


class IQAs(UserStream, name="iqas", role=10):
    """Internal quality assurers (internal verifiers)."""


class LeadIQAs(UserStream, name="lead_iqas", role=11, selected=False):
    """Lead internal quality assurers; not among the roles that the vendor calls supported in the API."""


class Employers(UserStream, name="employers", role=40):
    """Employers' users, such as line managers."""


class Observers(UserStream, name="observers", role=45):
    """Observers."""


class EQAs(UserStream, name="eqas", role=50, selected=False):
    """External quality assurers; not among the roles that the vendor calls supported in the API.

    They have one account across organisations (help article 76000032915), which is a record in each of them.
    """

    is_shared = True
    primary_keys = ("OrganisationID", "ID")
    schema = f.record(
        *(field for field in _OTHER_ROLE if field.name != "OrganisationID"),
        f.SEARCH.organisation_key("Id of the organisation whose search found the account."),
    )


class CentreMonitors(UserStream, name="centre_monitors", role=60, selected=False):
    """Centre monitors; not among the roles that the vendor calls supported in the API."""


class UserManagers(UserStream, name="user_managers", role=62, selected=False):
    """User managers; not among the roles that the vendor calls supported in the API."""


class CentreManagers(UserStream, name="centre_managers", role=65, selected=False):
    """Centre managers; not among the roles that the vendor calls supported in the API."""
