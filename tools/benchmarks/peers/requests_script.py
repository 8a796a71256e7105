"""What one writes in half an hour: one session of requests, one call after the other.

Usage: requests_script.py CONFIG.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = {"assessors": 5, "learners": 1}
ENTITIES = {"assessors": "User", "learners": "User", "classrooms": "Classroom", "placements": "Placement"}


def main(config: dict[str, Any]) -> None:
    """Read the six streams, and write each record as a line of JSON."""
    api_url = config["api_url"]
    session = requests.Session()
    login = session.post(f"{api_url}/Authentication", headers={"X-CustomerToken": config["customer_token"]}, timeout=60)
    login.raise_for_status()
    session.headers["X-TokenID"] = login.text.strip().strip('"')

    def search(entity: str, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            url = f"{api_url}/{entity}/Search/{page}/{config['page_size']}"
            answer = session.post(url, json=filters, timeout=60)
            answer.raise_for_status()
            rows = [] if answer.status_code == requests.codes.no_content else answer.json()
            if not rows:
                return
            yield from rows
            page += 1

    customer = session.get(f"{api_url}/Customer", timeout=60).json()
    write("customers", customer)
    for organisation in search("Organisation", {"CustomerID": customer["ID"]}):
        write("organisations", organisation)
        for stream, entity in ENTITIES.items():
            filters = {"OrganisationID": organisation["ID"]}
            if stream in ROLES:
                filters["Role"] = ROLES[stream]
            for row in search(entity, filters):
                row["OrganisationID"] = organisation["ID"]
                write(stream, row)


def write(stream: str, record: dict[str, Any]) -> None:
    """Write one record."""
    sys.stdout.write(json.dumps({"stream": stream, "record": record}) + "\n")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
