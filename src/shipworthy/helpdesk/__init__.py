"""The product that ships with shipworthy: what it knows, who uses it, what it may do."""
