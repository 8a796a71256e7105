"""HTTP: calls to OneFile and what their answers mean. Knows no Singer and no streams."""
