"""Learners, assessors and the other roles: all are users to OneFile, told apart by their role."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.fields import (
    PERSONAL,
    SPECIAL,
    flag,
    identity,
    instant,
    integer,
    number,
    record,
    reference,
    text,
    texts,
)
from tap_onefile.streams.organisations import OrganisationStream

if TYPE_CHECKING:
    from collections.abc import Mapping

# Seen in answers or documented for creating users, and so expected back (API reference, section 6).
_USER = (
    identity("user; learners, assessors and all other roles share one sequence of ids"),
    reference("OrganisationID", "Id of the organisation; from the search where the row does not say."),
    integer("Role", "OneFile's number of the role, such as 1 for learner; from the search where the row does not say."),
    text("Username", "Name to log in with.", PERSONAL),
    text("FirstName", "First name.", PERSONAL),
    text("LastName", "Last name.", PERSONAL),
    text("Email", "E-mail address.", PERSONAL),
    text("MISID", "Id in the customer's own MIS. Free text, and not unique.", PERSONAL),
    text("Telephone", "Telephone number.", PERSONAL),
    text("MobileNumber", "Mobile number.", PERSONAL),
    text("HomeAddress", "Home address, in several lines.", PERSONAL),
    text("WorkAddress", "Work address, in several lines.", PERSONAL),
    text("CompanyName", "Name of the company.", PERSONAL),
    text("Website", "Website.", PERSONAL),
    reference("PlacementID", "Id of the placement (employer site)."),
    reference("ProviderID", "Id of the provider (sub-contractor)."),
    instant("CreatedOn", "When the user was created."),
    instant("LastModified", "When the user was last modified; OneFile may leave it out."),
)

_LEARNER = (
    reference("ClassroomID", "Id of the classroom."),
    reference("DefaultAssessorID", "Id of the assessor who looks after the learner; 0 for none."),
    reference("DefaultEmployerID", "Id of the employer's user who looks after the learner; 0 for none."),
    integer("LearnerStatusID", "Id of the learner's status; each organisation defines its own."),
    text("EpisodeName", "Name of the episode (the programme the learner is on)."),
    instant("StartOn", "Start of the episode."),
    instant("PlannedEndDate", "Planned end of the episode; 1900-01-01 for not set."),
    number("Progress", "Progress in per cent."),
    # A date in the vendor's export; its form in the API is shown nowhere, so it is kept as it comes.
    text("CentreRegister", "Registration with the centre, as OneFile spells it; expected to be a date."),
    text("ULN", "Unique Learner Number: ten digits.", PERSONAL),
    text("NINO", "National Insurance number.", PERSONAL),
    instant(
        "DOB", "Date of birth, as an instant: midnight in UK time, so 23:00 UTC of the day before in summer.", PERSONAL
    ),
    text("L12", "Ethnicity (ILR code).", SPECIAL),
    text("L13", "Sex (ILR code): F, M, or 9 for not known.", SPECIAL),
    text("L14", "Whether the learner considers to have a learning difficulty, disability or health problem.", SPECIAL),
    text("L15", "Disability (ILR code).", SPECIAL),
    text("L16", "Learning difficulty (ILR code).", SPECIAL),
    text("PrimaryLLDDCode", "Main learning difficulty, disability or health problem (ILR code).", SPECIAL),
    texts("SecondaryLLDDCodes", "Further learning difficulties, disabilities or health problems (ILR codes).", SPECIAL),
    integer("LearningDifficultyAndDisabilityID", "OneFile's id of the learning difficulty or disability.", SPECIAL),
    flag("SupportFunding", "Whether there is funding for learning support."),
)


class UserStream(OrganisationStream):
    """Users of one role in an organisation.

    Searched page by page, as the paged search is the one that gives ULN, NINO, e-mail and the rest (help articles
    76000048013 and 76000087773 "Initial data download using API").
    """

    entity = "User"
    schema = record(*_USER)

    @override
    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        filters = {**context, **self.row_defaults}
        if self.onefile.settings.start_date:
            filters["LastModified"] = self.onefile.settings.start_date
        return filters


class Assessors(UserStream):
    """Assessors and tutors."""

    name = "assessors"
    row_defaults = MappingProxyType({"Role": 5})


class Learners(UserStream):
    """Learners (apprentices) who are not archived."""

    name = "learners"
    row_defaults = MappingProxyType({"Role": 1})
    schema = record(*_USER, *_LEARNER)
