"""What maintainers run: `make` lists it. None of it ships, and the tap uses none of it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""
CORE_STREAMS = ("customers", "organisations", "assessors", "learners", "classrooms", "placements")
"""What a demo must show, and what every peer of the benchmarks can read."""
