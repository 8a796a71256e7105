"""Draw the answers: `python -m tools.charts CONNECTION SCHEMA FILE`, for a PostgreSQL in which dbt has built the marts.

A file whose name ends in .svg gets some of the charts, as a picture; another the page with all.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from tools.charts.charts import CHARTS, IN_THE_PICTURE
from tools.charts.page import page, picture


def main() -> None:
    """Write the page, or the picture."""
    connection, schema, file = sys.argv[1:]
    with psycopg.connect(connection) as database, database.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT set_config('search_path', %s, false)", [schema])
        answers = [(chart, cursor.execute(chart.query.encode()).fetchall()) for chart in CHARTS]
        (latest,) = cursor.execute("SELECT to_char(max(loaded_at), 'FMDD FMMonth YYYY') AS day FROM onefile_loads")
    if file.endswith(".svg"):
        content = picture([answer for answer in answers if answer[0].name in IN_THE_PICTURE])
    else:
        content = page(answers, latest["day"])
    Path(file).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
