"""What production says: telemetry received, redacted, kept, and counted."""
