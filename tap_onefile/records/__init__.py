"""From rows to records. Makes no calls."""
