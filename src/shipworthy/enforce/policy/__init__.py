"""The tool policy: decides over every call of an agent before it runs, by where the call's values came from."""
