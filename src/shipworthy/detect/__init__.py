"""Text in, spans out: what a text carries that it should not. Pure functions; no scipy, no torch, no network."""
