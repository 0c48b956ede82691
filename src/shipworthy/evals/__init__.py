"""Run suites against a target: plan, run under limits, resume, read back. Every attempt is one durable record."""
