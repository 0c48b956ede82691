"""Where alarms go: one kind of output a file, named by it. Each makes a message; `telemetry.outbox` sends it."""
