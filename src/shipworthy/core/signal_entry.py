"""The entries of the audit chain about signals. Standard library only: the verifier reads them, too."""

RECORDED = "signal.recorded"
"""The kind of entry that records a signal."""

SIGNAL_KINDS = ("alarm", "user_report", "ticket", "red_team", "block", "scanner", "sentinel")
"""The words of `core.signal.SignalKind`."""
