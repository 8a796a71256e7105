"""The page: HTML with its pictures in it, and nothing from elsewhere."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from tools.charts.charts import WIDTH

if TYPE_CHECKING:
    from tools.charts.charts import Chart, Row

COLOURS = """\
  :root { color-scheme: light dark; --paper: #f4f6f9; --card: #fff; --text: #1b2330; --muted: #52606f; --line: #e1e6ec;
    --red: #c0392b; --amber: #e2a32b; --green: #2a7f62; --blue: #2f6db5; --grey: #97a3b0; --faint: #cfd8e3 }
  @media (prefers-color-scheme: dark) {
    :root { --paper: #11161d; --card: #1a212b; --text: #e4e9f0; --muted: #a4b0be; --line: #2c3642;
      --red: #e36a5c; --amber: #e5b04a; --green: #4fae8c; --blue: #6ea3e6; --grey: #75818f; --faint: #4b5b6e }
  }
"""
TEXT = """\
  text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 12px }
"""
_STYLE = """\
  body { margin: 0; background: var(--paper); color: var(--text) }
  body { font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
  article { max-width: 1220px; margin: 0 auto; padding: 24px 12px }
  header, footer { padding: 0 4px; color: var(--muted) }
  h1 { margin: 0; color: var(--text); font-size: 26px; line-height: 1.3 }
  .charts { columns: 370px 3; column-gap: 16px; margin: 20px 0 }
  section { break-inside: avoid; margin: 0 0 16px; padding: 16px 14px; background: var(--card) }
  section { border: 1px solid var(--line); border-radius: 10px }
  h2 { margin: 0; font-size: 18px; line-height: 1.3 }
  section p { margin: 4px 0 12px; color: var(--muted); font-size: 14px }
  code { overflow-wrap: anywhere }
  svg { display: block; width: 100%; max-width: 420px; height: auto; overflow: visible }
  details { margin-top: 12px; font-size: 14px }
  summary { cursor: pointer; color: var(--muted) }
  table { width: 100%; margin-top: 8px; border-collapse: collapse }
  th, td { padding: 3px 4px; border-top: 1px solid var(--line); text-align: left; font-weight: normal }
  th, td { overflow-wrap: anywhere }
  th { border: 0; color: var(--muted) }
  .number { text-align: right; font-variant-numeric: tabular-nums }
"""


def page(answers: list[tuple[Chart, list[Row]]], day: str | None) -> str:
    """Show every chart with what it says, and with its numbers."""
    return f"""<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src data:; script-src 'none'; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>OneFile in pictures</title>
<style>
{COLOURS}{TEXT}{_STYLE}</style>
</head>
<body><article>
<header>
<h1>OneFile in pictures</h1>
Loaded{f" on {day}" if day else ""} by tap-onefile, and made into answers by dbt, with the models in examples/dbt.
</header>
<div class="charts">
{"".join(_section(chart, rows) for chart, rows in answers)}</div>
<footer>Nobody is named here: the marts have the names. Which columns they have is in docs/dbt.md.</footer>
</article></body>
</html>
"""


def picture(answers: list[tuple[Chart, list[Row]]]) -> str:
    """Show some charts as one SVG."""
    parts, below = [], 0
    for chart, rows in answers:
        svg = chart.svg(rows)
        height = re.search(r' height="(\d+)"', svg)
        parts += [
            f'<text class="title" x="12" y="{below + 28}">{escape(chart.title)}</text>',
            svg.replace("<svg ", f'<svg x="12" y="{below + 38}" ', 1),
        ]
        below += 50 + int(height[1] if height else 0)
    width = WIDTH + 24
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {below}" width="{width}" role="img">
<title>{" and ".join(escape(chart.title) for chart, _ in answers)}</title>
<style>
{COLOURS}{TEXT}  .title {{ fill: var(--text); font-size: 16px; font-weight: 600 }}
</style>
<rect width="{width}" height="{below}" rx="10" fill="var(--card)"/>
{"".join(parts)}
</svg>
"""


def _section(chart: Chart, rows: list[Row]) -> str:
    heading = f"<h2>{escape(chart.title)}</h2>\n<p>{escape(chart.shows)} From <code>{chart.mart}</code>.</p>"
    if not rows:
        return f'<section id="{chart.name}">\n{heading}\n<p>There is nothing to show.</p>\n</section>\n'
    head = "".join(f"<th{_kind(value)}>{escape(name)}</th>" for name, value in rows[0].items())
    body = "\n".join(
        f"<tr>{''.join(f'<td{_kind(value)}>{escape(str(value))}</td>' for value in row.values())}</tr>" for row in rows
    )
    return f"""<section id="{chart.name}">
{heading}
<div role="img" aria-label="{escape(chart.title)}: {escape(chart.shows)} The numbers are in the table below.">
{chart.svg(rows)}
</div>
<details><summary>The numbers</summary>
<table>
<tr>{head}</tr>
{body}
</table></details>
</section>
"""


def _kind(value: object) -> str:
    return ' class="number"' if isinstance(value, int) else ""
