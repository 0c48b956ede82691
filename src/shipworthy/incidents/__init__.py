"""Incidents: how bad, since when, what was kept, what stopped it, whether that held, what was learned."""
