"""Customers and organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.errors import SettingsError
from tap_onefile.fields import flag, identity, record, reference, text
from tap_onefile.streams.base import OneFileStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Context, Record


class Customers(OneFileStream):
    """The customer that the token belongs to: one record, from which everything else hangs."""

    name = "customers"
    entity = "Customer"
    schema = record(
        identity("customer"),
        text("Name", "Name of the customer."),
    )

    @classmethod
    @override
    def call(cls) -> str:
        return f"GET /{cls.entity}"

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        customer = self.onefile.client.get(self.entity)
        self.logger.info("The token belongs to customer %s, %s", customer.get("ID"), customer.get("Name"))
        yield customer

    @override
    def get_child_context(self, record: Record, context: Context | None) -> dict[str, Any]:
        return {"CustomerID": record["ID"]}


class Organisations(OneFileStream):
    """Organisations (OneFile's screens call them centres) of the customer.

    Read by the paged search although the vendor's guide shows the unpaged one: no cap on unpaged searches is
    documented, and none is excluded, while a paged search read up to an empty page is complete under any cap.
    """

    name = "organisations"
    entity = "Organisation"
    parent_stream_type = Customers
    schema = record(
        identity("organisation"),
        reference("CustomerID", "Id of the customer; from the search, not the row."),
        text("Name", "Name of the organisation."),
        flag("KeychainCreationForNewUserActive", "Whether new users get a Keychain account."),
        flag("KeychainEmailSuppression", "Whether Keychain e-mails to users are suppressed."),
    )

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        organisations = list(super().get_rows(context))
        names = ", ".join(f"{row.get('ID')} {row.get('Name')}" for row in organisations)
        self.logger.info("The token sees %d organisations: %s", len(organisations), names or "none")
        wanted = self.onefile.settings.organisation_ids
        if wanted is None:
            return self._ahead(organisations)
        chosen = [row for row in organisations if str(row.get("ID")) in map(str, wanted)]
        if absent := wanted - {int(row["ID"]) for row in chosen}:
            raise SettingsError(
                f"The setting organisation_ids names {', '.join(map(str, sorted(absent)))}, which the customer token"
                f" does not see. It sees: {names or 'no organisation'}.",
            )
        return self._ahead(chosen)

    def _ahead(self, organisations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Have what hangs from the organisations read ahead, in the order in which the SDK will come to it."""
        selected = [stream for stream in self.child_streams if stream.selected or stream.has_selected_descendents]
        if self.ABORT_AT_RECORD_COUNT is None:
            self.onefile.read_ahead.plan(
                stream.get_search({"OrganisationID": int(row["ID"])})
                for row in organisations
                if str(row.get("ID")).isdecimal()
                for stream in selected
                if isinstance(stream, OneFileStream)
            )
        return organisations

    @override
    def get_child_context(self, record: Record, context: Context | None) -> dict[str, Any]:
        return {"OrganisationID": record["ID"]}


class OrganisationStream(OneFileStream):
    """A stream that is searched organisation by organisation."""

    parent_stream_type = Organisations
