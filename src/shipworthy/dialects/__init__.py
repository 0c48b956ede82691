"""Ways to say a conversation: a vendor's wire and back, and plain text."""
