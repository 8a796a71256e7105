"""The documentation as its readers see it: `make docs-check` looks at each page in a browser."""
