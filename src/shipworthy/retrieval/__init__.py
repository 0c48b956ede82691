"""Finding passages for a question."""
