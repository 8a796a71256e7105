"""OneFile's API: what a call is answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onefile_sandbox.api import answers
from onefile_sandbox.api.answers import Answer, Refusal, encode
from onefile_sandbox.api.reader import Reader
from onefile_sandbox.api.rendering import Renderer
from onefile_sandbox.api.search import Search
from onefile_sandbox.world.entities import CUSTOMER, ENTITIES, PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onefile_sandbox.api.behaviour import Behaviour
    from onefile_sandbox.api.limits import RateLimit, Sessions
    from onefile_sandbox.api.routes import Route
    from onefile_sandbox.api.search import Found
    from onefile_sandbox.world.entities import Entity
    from onefile_sandbox.world.table import Key, Table
    from onefile_sandbox.world.world import World

_NOT_FOUND = "No HTTP resource was found that matches the request."
_ASKED_WRONGLY = 400


class Api:
    """Knows the answer to every call, and nothing of connections."""

    def __init__(self, world: World, behaviour: Behaviour, sessions: Sessions, rate_limit: RateLimit) -> None:
        self.world = world
        self.behaviour = behaviour
        self.sessions = sessions
        self._rate_limit = rate_limit
        self._search = Search(world, behaviour)
        self._renderer = Renderer(behaviour)
        self.reader = Reader(world, self._search, self._renderer)

    def over_the_limit(self) -> Answer | None:
        """Count a call, and refuse it when there were too many."""
        wait = self._rate_limit.wait()
        if not wait:
            return None
        headers = {}
        if self.behaviour.retry_after:
            headers["Retry-After"] = answers.retry_after(wait, self.behaviour.retry_after)
        return answers.error(429, "Too many requests. Please wait and try again.", None, headers)

    def expire(self) -> Answer:
        """End all sessions, and answer as to someone who comes with one of them."""
        self.sessions.expire()
        return self._expired()

    def answer(
        self, route: Route, headers: Mapping[str, str], body: Mapping[str, Any], faults: Mapping[str, int]
    ) -> Answer:
        """Answer a call, given its headers and parameters by lower-case name, and the faults with their `rows`."""
        if route.kind == "login":
            return self._login(headers.get("x-customertoken", ""))
        if not self.sessions.is_alive(headers.get("x-tokenid", "")):
            return self._expired()
        if route.kind == "customer":
            return Answer(200, encode(self._renderer.render(CUSTOMER, self.world.customer, rich=True)).encode())
        if route.kind == "write":
            return Answer(204)
        try:
            return self._routed(route, body, faults)
        except Refusal as refusal:
            return refusal.answer

    def _login(self, customer_token: str) -> Answer:
        if customer_token != self.world.customer_token:
            return self._refused(self.behaviour.refused_login_status)
        session = self.sessions.open()
        if self.behaviour.quoted_session:
            session = f'"{session}"'
        if self.behaviour.session_whitespace:
            session = f"\r\n{session}\r\n"
        is_text = self.behaviour.session_content_type == "text"
        return Answer(200, session.encode(), answers.TEXT if is_text else answers.JSON)

    def _expired(self) -> Answer:
        match self.behaviour.expired_status:
            case 400:
                return answers.error(400, "The session has expired.", -2)
            case 302:
                return Answer(302, headers={"Location": "/Account/Login"})
            case status:
                return self._refused(status)

    def _refused(self, status: int) -> Answer:
        if self.behaviour.refusal_body == "html":
            return Answer(status, answers.WEB_PAGE, answers.HTML)
        if self.behaviour.refusal_body == "empty":
            return Answer(status)
        return answers.error(status, "Authorization has been denied for this request.")

    def _routed(self, route: Route, body: Mapping[str, Any], faults: Mapping[str, int]) -> Answer:
        entity, part = ENTITIES.get(route.entity), PARTS.get((route.entity, route.word))
        if route.kind == "part" and part:
            return self._part(part, route.record_id)
        if entity and route.kind == "read" and entity.is_read:
            table = self._table_of(entity, route.record_id)
            return Answer(200, self._renderer.encoded_row(entity, table, route.record_id, rich=True))
        if entity and route.kind == "search":
            return self._searched(entity, route, body, faults)
        raise Refusal(404, _NOT_FOUND)

    def _table_of(self, entity: Entity, record_id: Key) -> Table:
        for stream in entity.streams:
            table = self.world.table(stream)
            hidden = stream == "archived_learners" and not self.behaviour.archived_by_id
            if table.holds(record_id) and not hidden:
                return table
        status = self.behaviour.missing_id_status
        raise Refusal(status, f"{entity.name} not found.", entity.not_found if status == _ASKED_WRONGLY else None)

    def _part(self, entity: Entity, record_id: Key) -> Answer:
        self._table_of(ENTITIES["Organisation" if entity.parent == "OrganisationID" else "User"], record_id)
        (stream,) = entity.streams
        table = self.world.children(stream)
        ids = table.of(int(record_id))
        rows = [self._renderer.encoded_row(entity, table, i, rich=True) for i in ids]
        if not rows:
            return answers.nothing(self.behaviour.no_off_the_job if entity.is_single else self.behaviour.no_hits)
        return Answer(200, rows[0] if entity.is_single else b"[" + b",".join(rows) + b"]")

    def _searched(self, entity: Entity, route: Route, body: Mapping[str, Any], faults: Mapping[str, int]) -> Answer:
        paged = route.page is not None
        if paged and not self._is_paged(entity):
            raise Refusal(404, _NOT_FOUND)
        found = self._search.find(entity, body)
        if not found.ids:
            return answers.nothing(self.behaviour.no_hits)
        rich = paged and self._renderer.pages_are_rich(entity)
        if not paged and self.behaviour.unpaged in {"404", "400"}:
            raise Refusal(int(self.behaviour.unpaged), _NOT_FOUND)
        if paged and not self._ignores_pages(entity):
            found = self._page(found, route, faults)
            if not found.ids:
                return answers.nothing(self.behaviour.past_the_end)
        elif not paged and self.behaviour.unpaged == "hundred":
            found = found.page(1, 100)
        elif "capped" in faults:
            found = found.page(1, faults["capped"])
        rows = self._renderer.encoded(entity, found, rich=rich)
        return Answer(200, b"[" + b",".join(rows) + b"]")

    def _ignores_pages(self, entity: Entity) -> bool:
        ignored = self.behaviour.ignores_paging
        return entity.name != "User" if ignored == "some" else bool(ignored)

    def _is_paged(self, entity: Entity) -> bool:
        if entity.name == "Organisation":
            return self.behaviour.organisation_paging
        return entity.name != "FrameworkTemplate" or self.behaviour.framework_template_paging

    def _page(self, found: Found, route: Route, faults: Mapping[str, int]) -> Found:
        page, size = route.page or 0, route.size
        if size < 1:
            raise Refusal(400, "The page size must be at least 1.")
        if page == 0:
            if self.behaviour.page_zero == "400":
                raise Refusal(400, "The page number must be at least 1.")
            if self.behaviour.page_zero == "all":
                return found
            page = 1
        if "repeat-page" in faults:
            page -= 1
        size = min(size, self.behaviour.page_size_cap or size, faults.get("capped", size))
        return found.page(page, size, moved=int("moving-row" in faults))
