"""What the documentation has made from the code: `make docs` calls it from comments in the pages."""
