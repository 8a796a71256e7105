"""From queries to rows: in order, ahead of their turn, each row once. Knows no Singer and no streams."""
