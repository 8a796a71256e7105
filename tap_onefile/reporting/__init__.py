"""What a run reports: problems, counts, signs of life, and how it is stopped."""
