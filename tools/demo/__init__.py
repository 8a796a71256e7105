"""OneFile's sandbox into a real PostgreSQL by Meltano, and the proof that nothing is missing or doubled."""
