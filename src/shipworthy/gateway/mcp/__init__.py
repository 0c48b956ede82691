"""A guarding proxy between clients and servers of MCP: one session a client, every message made anew."""
