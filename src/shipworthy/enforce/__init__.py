"""What stands between a request and its answer: the guard pipeline, for a whole text and for a stream."""
