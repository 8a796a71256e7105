"""The pictures of `make demo`: the marts of examples/dbt/ on one page, which needs no network and no script."""
