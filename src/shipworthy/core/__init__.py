"""The vocabulary: what crosses packages, and nothing else. Imports no other package of shipworthy."""
