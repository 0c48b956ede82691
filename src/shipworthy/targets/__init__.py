"""Systems under test and the models behind them: one plug-in a file, the file's name is its id."""
