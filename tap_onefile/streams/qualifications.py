"""The qualification catalogue: standards, units and framework templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.extract.query import Search
from tap_onefile.records import fields as f
from tap_onefile.streams.base import CALLS_PER_SEARCH, OneFileStream
from tap_onefile.streams.kinds import CustomerStream, LookUpStream, SharedStream
from tap_onefile.streams.organisations import id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk.helpers.types import Context, Record

    from tap_onefile.api.decode import Row


class Standards(CustomerStream):
    """Standards (qualifications) of the customer.

    One search by `CustomerID`, which OneFile knows as a filter, takes the fewest calls, and also finds standards that
    no organisation has taken up. Which organisation uses which is in assigned_standards.
    """

    name = "standards"
    entity = "Standard"
    has_details = True
    schema = f.record(
        f.CLIENTS.identity("standard"),
        f.CLIENTS.text("Title", "Title of the standard."),
        f.SIMILAR.text("Reference", "Reference of the standard."),
        f.SIMILAR.text("Level", "Level of the standard."),
        f.SIMILAR.flag("Active", "Whether the standard is in use."),
    )

    @override
    def get_pages(self, context: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        for page in super().get_pages(context):
            self.plan_children({"StandardID": number} for row in page if (number := id_of(row)) is not None)
            yield page

    @override
    def get_child_context(self, record: Record, context: Context | None) -> dict[str, Any]:
        return {"StandardID": record["ID"]}


class Units(OneFileStream):
    """Units of the standards. Their ids are texts.

    Searched standard by standard: units are not known to say which standard they belong to, and the search by
    organisation finds only those of standards that it has taken up.
    """

    name = "units"
    entity = "Unit"
    has_details = True
    parent_stream_type = Standards
    is_shared = True
    primary_keys = ("StandardID", "ID")
    schema = f.record(
        f.CLIENT.text_key("ID", "OneFile's id of the unit, a text such as 2017XYZ_0_1."),
        f.SEARCH.key_reference("StandardID", "Id of the standard whose search found the unit."),
        f.CLIENT.text("Title", "Title of the unit."),
        f.CLIENT.text("NDAQCode", "Code in the national database of accredited qualifications."),
        f.CLIENT.text("Display", "How the unit is shown."),
    )

    @override
    def estimate_calls(self) -> float:
        customer = self.run.metrics.customer
        standards = self.run.reader.list_all(Search.of("Standard", {"CustomerID": customer}, self.name))
        return CALLS_PER_SEARCH * len(standards)


class FrameworkTemplates(SharedStream):
    """Framework templates: bundles of standards and units to assign at once."""

    name = "framework_templates"
    entity = "FrameworkTemplate"
    schema = f.record(
        f.FRAMEWORKS.identity("framework template"),
        f.SEARCH.organisation_key("Id of the organisation whose search found the template."),
        f.SIMILAR.text("Name", "Name of the template."),
        f.CLIENT.text("Title", "Title of the template."),
        f.SIMILAR.flag("Active", "Whether the template is in use."),
    )


class LearnerStatuses(LookUpStream):
    """What the numbers in `LearnerStatusID` mean; each organisation defines its own.

    It may not list every status that learners have, so use a left join.
    """

    name = "learner_statuses"
    path = "Organisation/{id}/LearnerStatuses"
    # No source shows any field: these are guesses, modelled on the other entities.
    schema = f.record(
        f.SIMILAR.identity("status"),
        f.SEARCH.organisation_key(),
        f.SIMILAR.text("Name", "Name of the status."),
        f.SIMILAR.integer("SortOrder", "Place of the status in lists."),
        f.SIMILAR.flag("Active", "Whether the status is in use."),
    )
