"""The proof behind a decision: the trace of ids, the signed pack, its verifier, and the documents people read."""
