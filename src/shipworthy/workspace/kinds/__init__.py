"""The kinds of entities, one a file. Each file registers its kind; nothing lists them (`workspace.kind.kinds`)."""
