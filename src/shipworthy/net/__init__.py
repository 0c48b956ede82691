"""Everything that speaks HTTP to somebody else: one client, its limits, its retries, its errors without key or text."""
