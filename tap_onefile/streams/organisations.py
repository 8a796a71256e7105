"""The customer and its organisations, which everything else belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.errors import NoOrganisations, Refused, SettingsError
from tap_onefile.extract.query import Record, Search
from tap_onefile.records import fields as f
from tap_onefile.records.convert import attempt, to_integer
from tap_onefile.reporting.problems import loggable
from tap_onefile.streams.base import OneFileStream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from singer_sdk.helpers.types import Context
    from singer_sdk.helpers.types import Record as SingerRecord

    from tap_onefile.api.decode import Row
    from tap_onefile.extract.query import Query


class Customers(OneFileStream):
    """The customer that the token belongs to: one record, the parent of everything else."""

    name = "customers"
    entity = path = "Customer"
    is_certain = True
    schema = f.record(f.INITIAL_DOWNLOAD.identity("customer"), f.INITIAL_DOWNLOAD.text("Name", "Name of the customer."))

    @override
    def get_query(self, context: Mapping[str, Any]) -> Query:
        return Record(self.path, self.name)

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[Row]:
        for customer in super().get_rows(context):
            self.logger.info("The token belongs to customer %s", _named(customer))
            yield customer

    @override
    def get_child_context(self, record: SingerRecord, context: Context | None) -> dict[str, Any]:
        self.run.metrics.customer = record["ID"]
        return {"CustomerID": record["ID"]}


class Organisations(OneFileStream):
    """Organisations (OneFile's screens call them centres) of the customer.

    Read by the paged search although the vendor's guide shows the unpaged one: no cap on unpaged searches is
    documented, and none is excluded, while the pages of a search can be read on under any cap, and its end is checked
    against a list.
    """

    name = "organisations"
    entity = "Organisation"
    is_certain = True
    has_details = True
    parent_stream_type = Customers
    schema = f.record(
        f.INITIAL_DOWNLOAD.identity("organisation"),
        f.SEARCH.reference("CustomerID", "Id of the customer; from the search, not the row."),
        f.INITIAL_DOWNLOAD.text("Name", "Name of the organisation."),
        f.INITIAL_DOWNLOAD.flag("KeychainCreationForNewUserActive", "Whether new users get a Keychain account."),
        f.INITIAL_DOWNLOAD.flag("KeychainEmailSuppression", "Whether Keychain e-mails to users are suppressed."),
    )

    @override
    def get_query(self, context: Mapping[str, Any]) -> Query:
        # Nothing can be prefetched before the organisations are known: both pages and the list are asked for at once.
        return Search.of(self.entity, self.get_filters(context), self.name, is_never_empty=True)

    @override
    def get_pages(self, context: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        wanted = self.run.settings.organisation_ids
        try:
            for page in super().get_pages(context):
                # What belongs to them can be asked for while nothing shows yet whether there are more.
                ids = [number for row in page if (number := id_of(row)) is not None]
                self.plan_children({"OrganisationID": each} for each in ids if wanted is None or each in wanted)
                yield page
        except Refused:
            # None of them is read then.
            self.run.reader.forget_planned()
            raise

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[Row]:
        organisations = list(super().get_rows(context))
        names = ", ".join(map(_named, organisations))
        self.logger.info("The token sees %d organisations: %s", len(organisations), names or "none")
        if not organisations:
            # Empty tables would not show that something is wrong.
            raise NoOrganisations
        if (wanted := self.run.settings.organisation_ids) is not None:
            self.run.reader.experience.is_part = any(id_of(row) not in wanted for row in organisations)
            organisations = chosen(organisations, wanted)
        self.run.metrics.organisations += [number for row in organisations if (number := id_of(row)) is not None]
        return organisations

    @override
    def get_records(self, context: Context | None) -> Iterable[SingerRecord]:
        for organisation in super().get_records(context):
            yield organisation
            # The SDK reads all children of an organisation before it asks for the next one.
            self.run.metrics.organisations_done += 1

    @override
    def get_child_context(self, record: SingerRecord, context: Context | None) -> dict[str, Any]:
        return {"OrganisationID": record["ID"]}


def chosen(organisations: Iterable[Row], wanted: Collection[int]) -> list[Row]:
    """Return the organisations with some ids. Raises `SettingsError` where one is not there."""
    found = {id_of(row): row for row in organisations}
    if absent := set(wanted) - found.keys():
        raise SettingsError(
            f"The setting organisation_ids names {', '.join(map(str, sorted(absent)))}, which the customer token does"
            f" not see. It sees: {', '.join(map(_named, found.values()))}.",
        )
    return [row for number, row in found.items() if number in wanted]


def _named(row: Row) -> str:
    # A row without an id may be anything, and its name anybody's.
    number = id_of(row)
    return "?" if number is None else f"{number} {loggable(row.get('Name'))}"


def id_of(row: Row) -> int | None:
    """Return the id of a row; None if it has no usable one."""
    return attempt(to_integer, row.get("ID"), None)
