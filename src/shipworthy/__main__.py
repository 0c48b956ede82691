"""`python -m shipworthy` is the `shipworthy` command."""

from shipworthy.cli import main

if __name__ == "__main__":
    main()
