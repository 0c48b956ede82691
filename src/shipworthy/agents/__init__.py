"""Agents: worlds whose state is checked, the loop that acts in them, sandboxes and MCP servers for their tools."""
