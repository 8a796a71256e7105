"""Classrooms, placements and providers."""

from __future__ import annotations

from tap_onefile.records import fields as f
from tap_onefile.streams.organisations import OrganisationStream, SharedStream


class Classrooms(OrganisationStream):
    """Classrooms (classes, cohorts) of an organisation."""

    name = "classrooms"
    entity = "Classroom"
    is_certain = True
    has_details = True
    schema = f.record(
        *f.known(f.INITIAL_DOWNLOAD, f.identity("classroom")),
        *f.organisation_id(),
        *f.known(
            f.INITIAL_DOWNLOAD,
            f.text("Name", "Name of the classroom."),
            f.text("MISID", "Id in the customer's own MIS. Free text, and not unique."),
        ),
        *f.known(
            f.WRITTEN,
            f.timestamp("StartOn", "When the classroom starts."),
            f.flag("Archive", "Whether the classroom is archived."),
            f.flag("SendCompletionMessage", "Whether learners get a message on completion."),
            f.text("CompletionMessage", "Message that learners get on completion."),
            f.flag("IVFinalSignOff", "Whether an internal verifier has the final sign-off."),
        ),
    )


class Placements(OrganisationStream):
    """Placements (employer sites) of an organisation."""

    name = "placements"
    entity = "Placement"
    is_certain = True
    has_details = True
    schema = f.record(
        *f.known(f.INITIAL_DOWNLOAD, f.identity("placement")),
        *f.organisation_id(),
        *f.known(
            f.INITIAL_DOWNLOAD,
            f.text("Name", "Name of the placement."),
            f.text("MISID", "Id in the customer's own MIS. Free text, and not unique."),
        ),
        *f.known(
            f.CLIENT,
            f.text("Address", "Address, in several lines."),
            f.flag("Active", "Whether the placement is in use."),
        ),
        *f.known(
            f.WRITTEN,
            f.text("Contact", "Name of the person to contact.", f.PERSONAL),
            f.text("Email", "E-mail address of the contact.", f.PERSONAL),
            f.text("Telephone", "Telephone number of the contact.", f.PERSONAL),
            f.text("Fax", "Fax number.", f.PERSONAL),
            f.text("Web", "Website."),
        ),
    )


class Providers(SharedStream):
    """Providers (sub-contractors) that an organisation works with."""

    name = "providers"
    entity = "Provider"
    has_details = True
    schema = f.record(
        *f.known(f.WRITTEN, f.identity("provider")),
        *f.organisation_key("Id of the organisation whose search found the provider."),
        *f.known(f.WRITTEN, f.text("Name", "Name of the provider.")),
        *f.known(f.SIMILAR, f.text("MISID", "Id in the customer's own MIS.")),
    )
