"""Does every byte that a gateway passes on pass its guards? A stub upstream with marks, a matrix, and a reader.

It knows nothing of our own gateway: it asks a base URL, and looks at what comes out.
"""
