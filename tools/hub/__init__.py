"""What Meltano Hub gets to know about the tap: `make docs` makes plugin.yaml out of it."""
