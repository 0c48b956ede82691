"""The safety files: what is meant. One folder in git, never a result."""
