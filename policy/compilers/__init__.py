"""One module for each target, independent of each other; each offers a ``COMPILER``."""
