"""Guards: one a file, the file's name is its id. A guard finds; the pipeline of `enforce` applies."""
