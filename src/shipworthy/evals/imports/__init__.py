"""Results of other tools, read as runs: one format a file. A reader returns `Foreign`, or says what is wrong where."""
