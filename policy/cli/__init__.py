"""The ``sallyport`` command: questions about egress policy answered in a pipeline, without a database.

Every module of this package that has a ``COMMAND`` is a subcommand of the module's own name; to add one, add a module.
"""

import importlib
import os
import pkgutil
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from policy.cli.command import USAGE_ERROR, Command, CommandParser, UsageError

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status: 0, 1 when any input was refused, 2 for a wrong call."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        command, options = _parse(arguments)
        return command.run(options)
    except SystemExit as stop:  # argparse has printed help or a usage error
        return stop.code if isinstance(stop.code, int) else USAGE_ERROR
    except UsageError as error:
        print(f"sallyport: {error}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        _discard_output()
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def subcommands() -> tuple[str, ...]:
    """The names of the subcommands that are installed, in alphabetical order."""
    return tuple(name for name in _module_names() if _load(name) is not None)


def _parse(arguments: Sequence[str]) -> tuple[Command, object]:
    """Only the module of the named subcommand is imported, so that a pipeline of many short calls starts quickly."""
    named = arguments[0] if arguments else ""
    chosen = _load(named) if named in _module_names() else None
    commands = [chosen] if chosen else [command for name in _module_names() if (command := _load(name))]
    parser = _parser(commands)
    options = parser.parse_args(arguments)
    by_name = {command.name: command for command in commands}
    return by_name[options.subcommand], options


def _parser(commands: Sequence[Command]) -> ArgumentParser:
    parser = CommandParser(prog="sallyport", description="Questions about egress policy, answered in a pipeline.")
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for command in commands:
        configured = subparsers.add_parser(command.name, help=command.summary, description=command.summary)
        command.configure(configured)
    return parser


def _module_names() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def _load(name: str) -> Command | None:
    found = getattr(importlib.import_module(f"{__name__}.{name}"), "COMMAND", None)
    return found if isinstance(found, Command) else None


def _discard_output() -> None:
    """The reader went away (``| head``): give the interpreter's last flush somewhere to go, so that it stays silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
