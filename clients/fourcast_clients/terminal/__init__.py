"""The command line: ``fourcast`` and the terminal game."""
