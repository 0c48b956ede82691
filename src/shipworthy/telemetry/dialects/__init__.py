"""What the attributes of spans mean: one dialect a file."""
