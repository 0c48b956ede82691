"""The sections of a dossier, one a file."""
