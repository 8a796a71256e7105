"""Customers and organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_onefile.errors import Refused, SettingsError
from tap_onefile.evidence import INITIAL_DOWNLOAD, SEARCH, known
from tap_onefile.fields import flag, identity, record, reference, text, to_integer
from tap_onefile.reads import Get, Search
from tap_onefile.report import as_told
from tap_onefile.streams.base import OneFileStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Context, Record

    from tap_onefile.reads import Read


class Customers(OneFileStream):
    """The customer that the token belongs to: one record, from which everything else hangs."""

    name = "customers"
    entity = "Customer"
    is_certain = True
    schema = record(
        *known(
            INITIAL_DOWNLOAD,
            identity("customer"),
            text("Name", "Name of the customer."),
        ),
    )

    @classmethod
    @override
    def call(cls) -> str:
        return f"GET /{cls.entity}"

    @override
    def get_read(self, context: Mapping[str, Any]) -> Read:
        return Get(self.entity, self.name, is_list=False)

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        for customer in super().get_rows(context):
            self.logger.info("The token belongs to customer %s", _named(customer))
            yield customer

    @override
    def get_child_context(self, record: Record, context: Context | None) -> dict[str, Any]:
        self.onefile.statistics.customer = record["ID"]
        return {"CustomerID": record["ID"]}


class Organisations(OneFileStream):
    """Organisations (OneFile's screens call them centres) of the customer.

    Read by the paged search although the vendor's guide shows the unpaged one: no cap on unpaged searches is
    documented, and none is excluded, while a paged search read up to an empty page is complete under any cap.
    """

    name = "organisations"
    entity = "Organisation"
    is_certain = True
    has_details = True
    parent_stream_type = Customers
    schema = record(
        *known(INITIAL_DOWNLOAD, identity("organisation")),
        *known(SEARCH, reference("CustomerID", "Id of the customer; from the search, not the row.")),
        *known(
            INITIAL_DOWNLOAD,
            text("Name", "Name of the organisation."),
            flag("KeychainCreationForNewUserActive", "Whether new users get a Keychain account."),
            flag("KeychainEmailSuppression", "Whether Keychain e-mails to users are suppressed."),
        ),
    )

    @override
    def get_read(self, context: Mapping[str, Any]) -> Read:
        # Nothing can be asked for before the organisations are known, so that each round trip less is felt.
        return Search.of(self.entity, self.get_filters(context), self.name, is_never_empty=True)

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        organisations = list(super().get_rows(context))
        names = ", ".join(map(_named, organisations))
        self.logger.info("The token sees %d organisations: %s", len(organisations), names or "none")
        if not organisations:
            # Every customer has at least one (help article 76000048013), and empty tables would not say what is wrong.
            raise Refused(
                "OneFile lists no organisation for the customer, so nothing that hangs from one was read. Run again,"
                " and ask OneFile support to let your customer token see your organisations if it persists.",
            )
        wanted = self.onefile.settings.organisation_ids
        if wanted is None:
            return self._ahead(organisations)
        chosen = [row for row in organisations if id_of(row) in wanted]
        if absent := wanted - {id_of(row) for row in chosen}:
            raise SettingsError(
                f"The setting organisation_ids names {', '.join(map(str, sorted(absent)))}, which the customer token"
                f" does not see. It sees: {names or 'no organisation'}.",
            )
        return self._ahead(chosen)

    @override
    def read_records(self, context: Mapping[str, Any]) -> Iterable[Record]:
        for organisation in super().read_records(context):
            yield organisation
            # The SDK reads all that hangs from an organisation before it asks for the next one.
            self.onefile.statistics.organisations_done += 1

    def _ahead(self, organisations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Have what hangs from the organisations read ahead."""
        ids = [number for row in organisations if (number := id_of(row)) is not None]
        self.onefile.statistics.organisations += ids
        self.plan_children({"OrganisationID": organisation} for organisation in ids)
        return organisations

    @override
    def get_child_context(self, record: Record, context: Context | None) -> dict[str, Any]:
        return {"OrganisationID": record["ID"]}


def _named(row: dict[str, Any]) -> str:
    # What has no id may be anything, and its name anybody's.
    number = id_of(row)
    return "?" if number is None else f"{number} {as_told(row.get('Name'))}"


def id_of(row: dict[str, Any]) -> int | None:
    """Give the id of a row; None where it has no usable one."""
    try:
        return to_integer(row.get("ID"))
    except ValueError:
        return None


class CustomerStream(OneFileStream):
    """A stream that is searched over the whole customer."""

    parent_stream_type = Customers


class OrganisationStream(OneFileStream):
    """A stream that is searched organisation by organisation."""

    parent_stream_type = Organisations


class SharedStream(OrganisationStream):
    """A stream whose records more than one organisation may have, so that only both ids together make a key."""

    primary_keys = ("OrganisationID", "ID")


class LookUpStream(SharedStream):
    """A list that OneFile gives whole for each organisation."""

    path: ClassVar[str]
    """The last part of the path."""

    @classmethod
    @override
    def call(cls) -> str:
        return f"GET /Organisation/{{id}}/{cls.path}"

    @override
    def estimate_calls(self, context: Mapping[str, Any]) -> int:
        return 1

    @override
    def get_read(self, context: Mapping[str, Any]) -> Read:
        return Get(f"Organisation/{context['OrganisationID']}/{self.path}", self.name, is_list=True)
