"""A tool policy in front of agents that are built with other frameworks: one framework a file."""
