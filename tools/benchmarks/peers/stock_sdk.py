"""A tap as the Singer SDK's official template has it: RESTStream, its paginator, its writer. Usage: as any tap's.

The schemas are files in a folder, as in the template: those of the tap itself, written there for the occasion. The
environment variable ``SCHEMAS`` says where.
"""

from __future__ import annotations

import os
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import requests
from singer_sdk import RESTStream, SchemaDirectory, StreamSchema, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIAuthenticatorBase
from singer_sdk.pagination import PageNumberPaginator
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.streams.rest import HTTPRequest, PageContext


SCHEMAS = SchemaDirectory(os.environ["SCHEMAS"])


class OneFileAuthenticator(APIAuthenticatorBase):
    """Logs in once."""

    def __init__(self, api_url: str, customer_token: str) -> None:
        super().__init__()
        self._api_url = api_url
        self._customer_token = customer_token

    @cached_property
    def _session_token(self) -> str:
        headers = {"X-CustomerToken": self._customer_token}
        answer = requests.post(f"{self._api_url}/Authentication", headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.text.strip().strip('"')

    @override
    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-TokenID"] = self._session_token
        return super().authenticate_request(request)


class OneFileStream(RESTStream[int]):
    """What all streams share."""

    schema: ClassVar[StreamSchema[str]] = StreamSchema(SCHEMAS)
    http_method = "POST"
    primary_keys = ("ID",)
    filters: ClassVar[dict[str, Any]] = {}

    @property
    @override
    def url_base(self) -> str:
        url: str = self.config["api_url"]
        return url

    @property
    @override
    def authenticator(self) -> OneFileAuthenticator:
        tap = self._tap
        assert isinstance(tap, TapStock)  # noqa: S101 - for the type checkers
        return tap.authenticator

    @override
    def get_new_paginator(self) -> PageNumberPaginator:
        return PageNumberPaginator(start_value=1)

    @override
    def get_http_request(self, *, page: PageContext) -> HTTPRequest:
        request = super().get_http_request(page=page)
        if self.http_method == "POST":
            request.url = f"{request.url}/Search/{page.next_page_token}/{self.config['page_size']}"
            request.data = {**self.filters, **(page.stream_context or {})}
        return request

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        if response.status_code == HTTPStatus.NO_CONTENT:
            return
        if self.config["blank_as_null"]:
            for row in super().parse_response(response):
                yield {name: None if value == "" else value for name, value in row.items()}
        else:
            yield from super().parse_response(response)


class Customers(OneFileStream):
    """The customer."""

    name = "customers"
    path = "/Customer"
    http_method = "GET"
    records_jsonpath = "$"

    @override
    def get_new_paginator(self) -> None:  # type: ignore[override] # ty: ignore[incompatible-method-override] # one page
        return None

    @override
    def get_child_context(self, record: Record, context: Context | None) -> dict[str, Any]:
        return {"CustomerID": record["ID"]}


class Organisations(OneFileStream):
    """Its organisations."""

    name = "organisations"
    path = "/Organisation"
    parent_stream_type = Customers

    @override
    def get_child_context(self, record: Record, context: Context | None) -> dict[str, Any]:
        return {"OrganisationID": record["ID"]}


class Assessors(OneFileStream):
    """Assessors."""

    name = "assessors"
    path = "/User"
    filters: ClassVar[dict[str, Any]] = {"Role": 5}
    parent_stream_type = Organisations


class Learners(OneFileStream):
    """Learners."""

    name = "learners"
    path = "/User"
    filters: ClassVar[dict[str, Any]] = {"Role": 1}
    parent_stream_type = Organisations


class Classrooms(OneFileStream):
    """Classrooms."""

    name = "classrooms"
    path = "/Classroom"
    parent_stream_type = Organisations


class Placements(OneFileStream):
    """Placements."""

    name = "placements"
    path = "/Placement"
    parent_stream_type = Organisations


class TapStock(Tap):
    """The tap."""

    name = "tap-stock"
    config_jsonschema = th.PropertiesList(
        th.Property("customer_token", th.StringType, required=True, secret=True),
        th.Property("api_url", th.StringType, required=True),
        th.Property("page_size", th.IntegerType, default=100),
        # A loader with columns for moments and numbers takes no "".
        th.Property("blank_as_null", th.BooleanType, default=False),
    ).to_dict()

    @cached_property
    def authenticator(self) -> OneFileAuthenticator:
        """Log in once for all streams."""
        return OneFileAuthenticator(self.config["api_url"], self.config["customer_token"])

    @override
    def discover_streams(self) -> list[OneFileStream]:
        streams = (Customers, Organisations, Assessors, Learners, Classrooms, Placements)
        return [stream(self) for stream in streams]


if __name__ == "__main__":
    TapStock.cli()
