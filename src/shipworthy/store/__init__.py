"""Where rows live: run logs, the audit chain, decisions, signing keys. Rows are appended, never changed."""

from shipworthy.core.platforms import refuse_windows

refuse_windows()
