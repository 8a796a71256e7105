"""How fast the tap is beside what a user would pick instead: ratios, measured in one run."""
