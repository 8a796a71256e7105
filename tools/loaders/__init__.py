"""Loads all streams of the sandbox into every loader that installs, and compares row by row: `make targets`."""
