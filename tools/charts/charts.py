"""What each picture asks of a mart, and how it is drawn.

Nobody is named: assessors go by OneFile's ids. Colours are variables of CSS, so that a page can be light or dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]

WIDTH = 344
"""Of a picture, in pixels: it fits a phone without being made smaller."""
_BAR = alt.Step(21)
_RAG = {"red": "var(--red)", "amber": "var(--amber)", "green": "var(--green)"}
_SIZE = 14
"""Of the text, in pixels, as it is measured. It is shown a seventh smaller, as the reader's font may be a wide one."""
_TEXT = {"labelColor": "var(--text)", "labelFontSize": _SIZE}
_CONFIG = {
    "aria": False,  # the page says the same in words and in a table
    "background": "transparent",
    "font": "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif",
    "padding": 2,
    "view": {"stroke": None},
    "bar": {"color": "var(--blue)"},
    "text": {"color": "var(--text)", "fontSize": _SIZE},
    "facet": {"spacing": 12},
    "axis": {
        **_TEXT,
        "labelLimit": 220,
        "labelPadding": 6,
        "domain": False,
        "ticks": False,
        "gridColor": "var(--line)",
    },
    "axisX": {"titleColor": "var(--muted)", "titleFontSize": _SIZE, "titleFontWeight": "normal"},
    "headerRow": {**_TEXT, "labelFontWeight": 600, "labelOrient": "top", "labelAnchor": "start", "labelPadding": 4},
    "legend": {**_TEXT, "orient": "top", "symbolType": "square", "symbolOpacity": 1, "labelLimit": 240},
}


@dataclass(frozen=True)
class Chart:
    """A picture, what it shows, and what it asks; the columns of the answer have the names that its readers see."""

    name: str
    title: str
    shows: str
    mart: str
    query: str
    draw: Callable[[list[Row]], alt.TopLevelMixin]

    def svg(self, rows: list[Row]) -> str:
        """Draw it."""
        svg: str = vl_convert.vegalite_to_svg({**self.draw(rows).to_dict(), "config": _CONFIG})
        return svg


def _caseload(rows: list[Row]) -> alt.TopLevelMixin:
    parts = [{**row, "place": place, "rag": rag, "count": row[rag]} for row in rows for place, rag in enumerate(_RAG)]
    y = alt.Y("assessor:N", title=None, sort=alt.EncodingSortField("learners", op="max", order="descending"))
    x = alt.X("count:Q", title="learners in learning", scale=_with_room(rows))
    bars = alt.Chart().mark_bar().encode(x=x, y=y, color=_colours("rag", _RAG), order="place:Q")
    totals = alt.Chart().transform_filter("datum.place == 0").mark_text(align="left", dx=5)
    return (
        alt.layer(bars, totals.encode(x="learners:Q", y=y, text="learners:Q"), data=alt.Data(values=parts))
        .properties(width=WIDTH - 78, height=_BAR)
        .facet(row=alt.Row("organisation:N", title=None))
        .resolve_scale(y="independent")
    )


def _off_the_job(rows: list[Row]) -> alt.TopLevelMixin:
    marks = {
        "planned": alt.Chart().mark_bar(height=20),
        "done": alt.Chart().mark_bar(height=10),
        "due by now": alt.Chart().mark_tick(thickness=3, height=26),
    }
    parts = [{**row, "part": part, "hours": row[part]} for row in rows for part in marks]
    hours = alt.X("hours:Q", title="hours of a learner, on average", stack=None)
    colour = _colours("part", {"planned": "var(--faint)", "done": "var(--blue)", "due by now": "var(--red)"})
    layers = [
        mark.transform_filter(alt.datum.part == part).encode(x=hours, color=colour) for part, mark in marks.items()
    ]
    return (
        alt.layer(*layers, data=alt.Data(values=parts))
        .properties(width=WIDTH - 24, height=28)
        .facet(row=alt.Row("organisation:N", title=None))
    )


def _upright(
    rows: list[Row], category: str, by: str, colours: dict[str, str], title: str | None = None
) -> alt.TopLevelMixin:
    # Each word of a label has a line of its own: bars are narrow.
    words = alt.Axis(labelAngle=0, labelOverlap=False, labelExpr="split(datum.label, ' ')", title=title)
    x = alt.X(f"{category}:O", sort=None, axis=words)
    counted = alt.Y("sum(learners):Q", title=None, axis=alt.Axis(tickCount=4))
    bars = alt.Chart().mark_bar().encode(x=x, y=counted, color=_colours(by, colours, rows))
    totals = alt.Chart().mark_text(dy=-7).encode(x=x, y=counted, text="sum(learners):Q")
    size = alt.AutoSizeParams(type="fit-x", contains="padding")
    return alt.layer(bars, totals, data=alt.Data(values=rows), width=WIDTH, height=190, autosize=size)


def _lying(rows: list[Row], category: str, colour: alt.Color | None = None) -> alt.TopLevelMixin:
    size = {"width": WIDTH, "height": _BAR, "autosize": alt.AutoSizeParams(type="fit-x", contains="padding")}
    y = alt.Y(f"{category}:N", title=None, sort=None)
    x = alt.X("learners:Q", title="learners", axis=alt.Axis(tickCount=4), scale=_with_room(rows))
    bars = alt.Chart().mark_bar().encode(x=x, y=y, **({"color": colour} if colour else {}))
    totals = alt.Chart().mark_text(align="left", dx=5).encode(x=x, y=y, text="learners:Q")
    return alt.layer(bars, totals, data=alt.Data(values=rows), **size)


def _with_room(rows: list[Row]) -> alt.Scale:
    """Leave room for the number beside the longest bar."""
    return alt.Scale(domainMax=1.15 * max(row["learners"] for row in rows), nice=False)


def _colours(field: str, colours: dict[str, str], rows: list[Row] | None = None, **legend: str) -> alt.Color:
    shown = [name for name in colours if rows is None or any(row[field] == name for row in rows)]
    scale = alt.Scale(domain=shown, range=[colours[name] for name in shown])
    return alt.Color(f"{field}:N", scale=scale, legend=alt.Legend(title=None, **legend))


CHARTS = (
    Chart(
        name="caseload",
        title="Caseload of each assessor",
        shows=(
            "Learners in learning by assessor (OneFile's id), and how many of them are red, amber and green, by planned"
            " end, progress, reviews and off-the-job hours. The 25 assessors with the most learners."
        ),
        mart="onefile_assessors",
        query="""
            SELECT coalesce(organisation, 'No organisation') AS organisation, cast(assessor_id AS text) AS assessor,
                   learners, red, amber, green
            FROM onefile_assessors
            WHERE learners > 0
            ORDER BY learners DESC, assessor_id
            LIMIT 25
        """,
        draw=_caseload,
    ),
    Chart(
        name="progress",
        title="Progress against expectation",
        shows=(
            "Learners by how many points of progress they are ahead of an even pace from start to planned end, or"
            " behind it."
        ),
        mart="onefile_progress",
        query="""
            WITH tens AS (
                SELECT cast(greatest(least(floor(ahead / 10) * 10, 20), -60) AS int) AS ten
                FROM onefile_progress
                WHERE ahead IS NOT NULL
            )
            SELECT CASE ten WHEN -60 THEN 'below -50' WHEN 20 THEN '20 or more'
                            ELSE ten || ' to ' || ten + 10 END AS points,
                   CASE WHEN ten < -20 THEN 'far behind' WHEN ten < -10 THEN 'behind' ELSE 'on course' END AS progress,
                   count(*) AS learners
            FROM tens
            GROUP BY ten
            ORDER BY ten
        """,
        draw=lambda rows: _upright(
            rows, "points", "progress",
            {"far behind": "var(--red)", "behind": "var(--amber)", "on course": "var(--green)"},
            title="points ahead of an even pace",
        ),
    ),
    Chart(
        name="reviews",
        title="Reviews due by month",
        shows="Learners by the month in which their next review is due, counted from the last one or from the start.",
        mart="onefile_reviews_due",
        query="""
            WITH months AS (
                SELECT date_trunc('month', due_on) AS month, due FROM onefile_reviews_due WHERE due_on IS NOT NULL
            ),
            present AS (SELECT coalesce(min(month) FILTER (WHERE due <> 'overdue'), max(month)) AS month FROM months),
            span AS (
                SELECT month - interval '6 months' AS first, month + interval '2 months' AS last FROM present
            ),
            near AS (
                SELECT due, greatest(least(month, last), first) AS month, first, last FROM months CROSS JOIN span
            )
            SELECT to_char(month, 'Mon YYYY')
                   || CASE month WHEN first THEN ' or before' WHEN last THEN ' or later' ELSE '' END AS month,
                   due AS review, count(*) AS learners
            FROM near
            GROUP BY near.month, first, last, due
            ORDER BY near.month, due DESC
        """,
        draw=lambda rows: _upright(
            rows, "month", "review",
            {"overdue": "var(--red)", "due within four weeks": "var(--amber)", "later": "var(--green)"},
        ),
    ),
    Chart(
        name="off-the-job",
        title="Off-the-job training against plan",
        shows="Mean hours of a learner, by organisation: done, due by now at an even pace, and planned in all.",
        mart="onefile_off_the_job",
        query="""
            SELECT coalesce(organisation, 'No organisation') AS organisation, count(*) AS learners,
                   cast(round(avg(done)) AS int) AS done, cast(round(avg(due_by_now)) AS int) AS "due by now",
                   cast(round(avg(planned)) AS int) AS planned
            FROM onefile_off_the_job
            WHERE due_by_now IS NOT NULL
            GROUP BY organisation
            ORDER BY learners DESC, organisation
            LIMIT 12
        """,
        draw=_off_the_job,
    ),
    Chart(
        name="status",
        title="Learners by status",
        shows="All learners by the name of their status, and what it means: in learning, on a break, or left.",
        mart="onefile_learners",
        query="""
            SELECT coalesce(status, 'No status') AS status,
                   CASE WHEN in_learning THEN 'in learning' WHEN on_break THEN 'on a break' ELSE 'left' END AS means,
                   count(*) AS learners
            FROM onefile_learners
            GROUP BY 1, 2
            ORDER BY learners DESC, status
            LIMIT 15
        """,
        draw=lambda rows: _lying(
            rows, "status",
            _colours(
                "means", {"in learning": "var(--green)", "on a break": "var(--amber)", "left": "var(--grey)"}, rows,
                orient="bottom-right", # where the shortest bars are
            ),
        ),
    ),
    Chart(
        name="data-quality",
        title="Data quality",
        shows="Learners in learning with something missing or wrong in OneFile. A learner may count more than once.",
        mart="onefile_data_quality",
        query="""
            SELECT problem, count(*) AS learners
            FROM onefile_data_quality
            GROUP BY problem
            ORDER BY learners DESC, problem
        """,
        draw=lambda rows: _lying(rows, "problem"),
    ),
)  # fmt: skip
IN_THE_PICTURE = {"progress", "reviews"}
"""What the documentation shows of them."""
