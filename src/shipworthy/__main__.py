"""`python -m shipworthy` is the `shipworthy` command."""

import sys

if __name__ == "__main__":
    # Python puts the folder it was started in before everything that is installed: a workspace's own `click.py` would
    # run without leave. `-P` does the same, and then there is nothing to take away.
    if not sys.flags.safe_path:
        del sys.path[0]
    from shipworthy.cli import main

    main()
