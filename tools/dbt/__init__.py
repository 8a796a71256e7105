"""What of the dbt package in examples/dbt/ is made from the catalog: sources, fields, staging models and seeds."""
