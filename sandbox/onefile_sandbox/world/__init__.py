"""The invented customer: its people, its records, and how they change from day to day."""
