"""Signals out of what other tools and trackers write, one format a file."""
