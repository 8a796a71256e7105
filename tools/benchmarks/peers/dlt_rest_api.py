"""dlt's declarative REST source. Usage: dlt_rest_api.py CONFIG FOLDER default|tuned|merge [URL].

Tuned as dlt's page on performance says: resources in parallel, a worker for each connection that the tap has, a process
for each processor to normalise, files that those can share out, no compression. The page number in the path is a custom
paginator, the 204 at the end a response action; both are documented. Loading is left out, so that what is counted ends
with the files that would be loaded.

With `merge` it is tuned in the same way, and goes on into PostgreSQL: by merge on the primary key, with the strategy
`upsert`, which spares the removal of duplicates that there are none of, and by files of CSV, which go in by COPY. Both
were at least as fast as what dlt does by default.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt  # type: ignore[import-not-found] # ty: ignore[import-not-found] # an environment of its own
import requests
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same

if TYPE_CHECKING:
    from collections.abc import Mapping


class PagePathPaginator(PageNumberPaginator):  # type: ignore[misc] # its base has no types here
    """Puts the number of the page into the path."""

    def __init__(self) -> None:
        super().__init__(base_page=1, total_path=None)

    def update_request(self, request: requests.Request) -> None:
        """Ask for the next page."""
        search, _, size = request.url.rsplit("/", 2)
        request.url = f"{search}/{self.current_value}/{size}"


def main(settings: str, folder: str, how: str, url: str | None = None) -> None:
    """Read the six streams into the files that dlt would load, or into PostgreSQL."""
    config = json.loads(Path(settings).read_text(encoding="utf-8"))
    if how != "default":
        dlt.config["extract.workers"] = config["parallel_requests"]
        dlt.config["normalize.workers"] = os.cpu_count()
        dlt.config["data_writer.file_max_items"] = 50_000
        dlt.config["normalize.data_writer.disable_compression"] = True
    pipeline = dlt.pipeline(
        pipeline_name="onefile",
        pipelines_dir=folder,
        # dlt wants the name of a host, though that of the socket's directory goes first.
        destination=dlt.destinations.postgres(credentials=url.replace("@/", "@localhost/"))
        if url
        else dlt.destinations.filesystem(bucket_url=Path(folder, "loaded").as_uri()),
        dataset_name="onefile",
    )
    streams = source(config, parallelized=how != "default")
    if url:
        by_key = {"disposition": "merge", "strategy": "upsert"}
        pipeline.run(streams, write_disposition=by_key, loader_file_format="csv")
        return
    pipeline.extract(streams, loader_file_format="jsonl")
    pipeline.normalize()


def log_in(config: Mapping[str, Any]) -> str:
    """Log in, and give the session."""
    headers = {"X-CustomerToken": config["customer_token"]}
    answer = requests.post(f"{config['api_url']}/Authentication", headers=headers, timeout=60)
    answer.raise_for_status()
    return answer.text.strip().strip('"')


def source(config: Mapping[str, Any], *, parallelized: bool) -> Any:  # noqa: ANN401 - dlt's types are not here
    """Describe the six streams."""

    def search(name: str, entity: str, filters: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": name,
            "parallelized": parallelized,
            "include_from_parent": ["ID"],
            "endpoint": {
                "path": f"{entity}/Search/1/{config['page_size']}",
                "method": "POST",
                "json": filters,
                "paginator": PagePathPaginator(),
                "response_actions": [{"status_code": 204, "action": "ignore"}],
            },
        }

    organisation = {"OrganisationID": "{resources.organisations.ID}"}
    return rest_api_source(
        {
            "client": {
                "base_url": config["api_url"],
                "auth": {"type": "api_key", "name": "X-TokenID", "api_key": log_in(config), "location": "header"},
            },
            "resource_defaults": {"primary_key": "ID"},
            "resources": [
                {"name": "customers", "endpoint": {"path": "Customer", "paginator": "single_page"}},
                search("organisations", "Organisation", {"CustomerID": "{resources.customers.ID}"}),
                search("assessors", "User", {**organisation, "Role": 5}),
                search("learners", "User", {**organisation, "Role": 1}),
                search("classrooms", "Classroom", organisation),
                search("placements", "Placement", organisation),
            ],
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
