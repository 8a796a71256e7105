"""OneFile's API: routes, searches, sessions, the rate limit, and how records are sent."""
