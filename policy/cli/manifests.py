"""Manifests as YAML that every reader takes alike: strings are quoted, so none becomes a number or a truth value."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from policy.cli.table import printable


class _QuotingDumper(yaml.SafeDumper):
    """Writes no aliases, and every string in double quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_QuotingDumper.add_representer(str, _quoted)


def as_yaml(manifests: Iterable[Mapping[str, Any]]) -> str:
    """The manifests as the documents of one stream."""
    dumped = (
        yaml.dump(dict(manifest), Dumper=_QuotingDumper, allow_unicode=False, width=4096) for manifest in manifests
    )
    return "".join(f"---\n{text}" for text in dumped)


def comment(line: str) -> str:
    """One line of comment, whatever the text holds."""
    return f"# {printable(line)}\n"
