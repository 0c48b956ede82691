"""Renderings of a decision and its document: one plug-in a file, the file's name is its id."""
