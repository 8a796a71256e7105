"""Stream maps and flattening: every mistake is named before the first call, or with the first record that shows it."""
