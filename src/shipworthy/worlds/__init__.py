"""Worlds, one a file: a state, and the tools that act on it."""
