"""The switches of an enforcement point, as ``--capability name=value``."""

from argparse import ArgumentParser, Namespace
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from policy.capabilities import Capabilities
from policy.cli.command import UsageError
from policy.errors import DomainError

_SEPARATE = frozenset({"dialect", "version"})
_FLAGS = {"true": True, "false": False}


def add_capabilities(parser: ArgumentParser) -> None:
    """Declare ``--capability``; which names there are is told by the error for a wrong one."""
    parser.add_argument(
        "--capability",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a switch of the enforcement point, such as server_names=true; may be repeated",
    )


def read_capabilities(options: Namespace) -> Capabilities:
    """The capabilities named in the call; raises ``UsageError`` for an unknown name or a value of the wrong type."""
    values: dict[str, Any] = {}
    known = {field.name: field.default for field in fields(Capabilities) if field.name not in _SEPARATE}
    for text in options.capability:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise UsageError(f"--capability {text!r}: use NAME=VALUE with one of {', '.join(sorted(known))}")
        values[name] = _value(name, value, default=known[name])
    try:
        capabilities = Capabilities(dialect=options.dialect, version=options.version, **values)
        capabilities.at_least("0")
    except DomainError as error:
        raise UsageError(error.message) from error
    return capabilities


def _value(name: str, text: str, *, default: Any) -> Any:
    if isinstance(default, bool):
        if text not in _FLAGS:
            raise UsageError(f"--capability {name}: use true or false")
        return _FLAGS[text]
    choices = get_type_hints(Capabilities)[name]
    if get_origin(choices) is Literal and text not in get_args(choices):
        raise UsageError(f"--capability {name}: use one of {', '.join(get_args(choices))}")
    if isinstance(default, tuple):
        parts = tuple(filter(None, text.split(",")))
        return tuple(_number(name, part) for part in parts) if name == "tls_ports" else parts
    return _number(name, text) if isinstance(default, int) else text


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(f"--capability {name}: {text!r} is not a number")
    return int(text)
