"""Models on this machine: their weights, and the server that runs them in this process."""
