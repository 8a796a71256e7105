"""All that knows what the Singer SDK looks like inside."""
