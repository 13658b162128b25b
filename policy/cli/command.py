"""What a subcommand is, and the ways in which a call of it can end."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ACCEPTED = 0
REFUSED = 1
USAGE_ERROR = 2


@dataclass(frozen=True)
class Command:
    """One subcommand: ``configure`` declares its arguments, ``run`` does the work and returns the exit status."""

    name: str
    summary: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Any], int]


class UsageError(Exception):
    """The call itself is wrong (an unreadable file, contradicting options); the message is for the caller."""


class CommandParser(ArgumentParser):
    """A parser that never guesses: an abbreviated option is an error, so that scripts keep their meaning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)


def add_source(parser: ArgumentParser) -> None:
    """Declare the file argument that every subcommand has; ``-`` or nothing is standard input."""
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="file to read; standard input when absent")


def add_format(parser: ArgumentParser) -> None:
    """Declare ``--format``: JSON lines for programs, a table for people; ``auto`` looks at standard output."""
    parser.add_argument("--format", choices=("auto", "json", "table"), default="auto", help="how answers are printed")
