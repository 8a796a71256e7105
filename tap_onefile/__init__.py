"""A Singer tap for OneFile, the e-portfolio of UK apprenticeship and training providers."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("tap-onefile")
