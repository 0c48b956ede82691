"""Where rows live: run logs, the audit chain, decisions, signing keys. Rows are appended, never changed."""
