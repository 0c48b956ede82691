"""Scorers: one a file, the file's name is its id. A scorer judges a finished conversation, or says that it cannot."""
