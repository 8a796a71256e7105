"""Classrooms, placements and providers."""

from __future__ import annotations

from tap_onefile.records.fields import (
    CLIENT,
    INITIAL_DOWNLOAD,
    PERSONAL,
    SEARCH,
    SIMILAR,
    WRITTEN,
    flag,
    identity,
    key_reference,
    known,
    organisation_id,
    record,
    text,
    timestamp,
)
from tap_onefile.streams.organisations import OrganisationStream, SharedStream


class Classrooms(OrganisationStream):
    """Classrooms (classes, cohorts) of an organisation."""

    name = "classrooms"
    entity = "Classroom"
    is_certain = True
    has_details = True
    schema = record(
        *known(INITIAL_DOWNLOAD, identity("classroom")),
        *organisation_id(),
        *known(
            INITIAL_DOWNLOAD,
            text("Name", "Name of the classroom."),
            text("MISID", "Id in the customer's own MIS. Free text, and not unique."),
        ),
        *known(
            WRITTEN,
            timestamp("StartOn", "When the classroom starts."),
            flag("Archive", "Whether the classroom is archived."),
            flag("SendCompletionMessage", "Whether learners get a message on completion."),
            text("CompletionMessage", "Message that learners get on completion."),
            flag("IVFinalSignOff", "Whether an internal verifier has the final sign-off."),
        ),
    )


class Placements(OrganisationStream):
    """Placements (employer sites) of an organisation."""

    name = "placements"
    entity = "Placement"
    is_certain = True
    has_details = True
    schema = record(
        *known(INITIAL_DOWNLOAD, identity("placement")),
        *organisation_id(),
        *known(
            INITIAL_DOWNLOAD,
            text("Name", "Name of the placement."),
            text("MISID", "Id in the customer's own MIS. Free text, and not unique."),
        ),
        *known(
            CLIENT,
            text("Address", "Address, in several lines."),
            flag("Active", "Whether the placement is in use."),
        ),
        *known(
            WRITTEN,
            text("Contact", "Name of the person to contact.", PERSONAL),
            text("Email", "E-mail address of the contact.", PERSONAL),
            text("Telephone", "Telephone number of the contact.", PERSONAL),
            text("Fax", "Fax number.", PERSONAL),
            text("Web", "Website."),
        ),
    )


class Providers(SharedStream):
    """Providers (sub-contractors) that an organisation works with."""

    name = "providers"
    entity = "Provider"
    has_details = True
    schema = record(
        *known(WRITTEN, identity("provider")),
        *known(SEARCH, key_reference("OrganisationID", "Id of the organisation whose search found the provider.")),
        *known(WRITTEN, text("Name", "Name of the provider.")),
        *known(SIMILAR, text("MISID", "Id in the customer's own MIS.")),
    )
