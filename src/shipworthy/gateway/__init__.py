"""Serving a model behind the guards that were measured: one exchange a request, one file a route."""
