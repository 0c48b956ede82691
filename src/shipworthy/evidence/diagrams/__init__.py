"""Pictures of a workspace, derived from its links: nothing is drawn that the files do not say."""
