"""Signals become findings; a finding is closed by a re-run that passes and a regression case, and by nothing else."""
