"""Samples from files of others: CSV, JSON lines, promptfoo tests, Inspect and Hugging Face data sets."""
