"""What the parts of one run share, and all that a stream may hold."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_onefile.api.client import Client
from tap_onefile.api.rate_limit import RateLimit
from tap_onefile.api.transport import Transport
from tap_onefile.extract.reader import Reader
from tap_onefile.records.fields import extended, extra_fields
from tap_onefile.records.privacy import Privacy
from tap_onefile.reporting.metrics import Metrics
from tap_onefile.reporting.problems import Problems
from tap_onefile.reporting.signals import Signals
from tap_onefile.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_onefile.singer.writer import BufferedWriter


class Run:
    """One run: its settings, its reader, and what it has done so far.

    The settings as given need not be complete before something is read, as in discovery.
    """

    def __init__(
        self, config: Mapping[str, Any], schema: Mapping[str, Any], began: str, writer: BufferedWriter | None
    ) -> None:
        self._config = config
        self._schema = schema
        self.writer = writer
        self.began = began
        self.problems = Problems()
        self.metrics = Metrics()
        self.signals = Signals(lambda: self.writer.writing_since if self.writer else None)

    @cached_property
    def settings(self) -> Settings:
        """The settings, checked and with their defaults."""
        return Settings.from_config(self._config, self._schema)

    @cached_property
    def privacy(self) -> Privacy:
        """Which personal data this run lets through."""
        return Privacy.from_config(self._config)

    @cached_property
    def extra_fields(self) -> dict[str, dict[str, Any]]:
        """The schemas of the fields that the user asks for, by stream."""
        return extra_fields(self._config.get("extra_fields") or ())

    def whole_schema(self, stream: str, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a stream with the fields that the user asks for."""
        return extended(schema, self.extra_fields.get(stream))

    @cached_property
    def reader(self) -> Reader:
        """The one reader of all streams: one session, one rate limit, one queue of calls."""
        settings = self.settings
        transport = Transport(settings.api_url, user_agent=settings.user_agent, timeout=settings.request_timeout)
        return Reader(
            self.client(transport),
            page_size=settings.page_size,
            parallel_requests=settings.parallel_requests,
            metrics=self.metrics,
            problems=self.problems,
            is_part=settings.organisation_ids is not None,
            check=self._check,
        )

    def client(self, transport: Transport) -> Client:
        """Return a client with a session and a rate limit of its own."""
        settings = self.settings
        return Client(
            transport,
            settings.customer_token,
            RateLimit(settings.requests_per_minute),
            retry_for=settings.retry_for,
            logins=self.metrics.of("logins"),
        )

    def _check(self) -> None:
        self.signals.check()
        if self.writer:
            self.writer.check_reader()
