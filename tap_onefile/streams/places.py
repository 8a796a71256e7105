"""Classrooms, placements and providers."""

from __future__ import annotations

from tap_onefile.records import fields as f
from tap_onefile.streams.kinds import OrganisationStream, SharedStream


class Classrooms(OrganisationStream):
    """Classrooms (classes, cohorts) of an organisation."""

    name = "classrooms"
    entity = "Classroom"
    is_certain = True
    has_details = True
    schema = f.record(
        f.INITIAL_DOWNLOAD.identity("classroom"),
        f.SEARCH.organisation_id(),
        f.INITIAL_DOWNLOAD.text("Name", "Name of the classroom."),
        f.INITIAL_DOWNLOAD.text("MISID", "Id in the customer's own MIS. Free text, and not unique."),
        f.WRITTEN.timestamp("StartOn", "When the classroom starts."),
        f.WRITTEN.flag("Archive", "Whether the classroom is archived."),
        f.WRITTEN.flag("SendCompletionMessage", "Whether learners get a message on completion."),
        f.WRITTEN.text("CompletionMessage", "Message that learners get on completion."),
        f.WRITTEN.flag("IVFinalSignOff", "Whether an internal verifier has the final sign-off."),
    )


class Placements(OrganisationStream):
    """Placements (employer sites) of an organisation."""

    name = "placements"
    entity = "Placement"
    is_certain = True
    has_details = True
    schema = f.record(
        f.INITIAL_DOWNLOAD.identity("placement"),
        f.SEARCH.organisation_id(),
        f.INITIAL_DOWNLOAD.text("Name", "Name of the placement."),
        f.INITIAL_DOWNLOAD.text("MISID", "Id in the customer's own MIS. Free text, and not unique."),
        f.CLIENT.text("Address", "Address, in several lines."),
        f.CLIENT.flag("Active", "Whether the placement is in use."),
        f.WRITTEN.text("Contact", "Name of the person to contact.", f.PERSONAL),
        f.WRITTEN.text("Email", "E-mail address of the contact.", f.PERSONAL),
        f.WRITTEN.text("Telephone", "Telephone number of the contact.", f.PERSONAL),
        f.WRITTEN.text("Fax", "Fax number.", f.PERSONAL),
        f.WRITTEN.text("Web", "Website."),
    )


class Providers(SharedStream):
    """Providers (sub-contractors) that an organisation works with."""

    name = "providers"
    entity = "Provider"
    has_details = True
    schema = f.record(
        f.WRITTEN.identity("provider"),
        f.SEARCH.organisation_key("Id of the organisation whose search found the provider."),
        f.WRITTEN.text("Name", "Name of the provider."),
        f.SIMILAR.text("MISID", "Id in the customer's own MIS."),
    )
