"""The sixteen numbers of a safety programme, each computed from what happened: one file a number."""
