"""What stands first in each document, one a file."""
