"""Breaking a valid object in one place, as a typo, a wrong indent or a careless generator would."""

import copy
import random
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]

ODD_TEXTS = (
    *("", "a", "A", "x y", "-a", "a-", "a_b", "a..b", ".", "*", "**", "*.a.com", "a" * 64, "a" * 254, "bücher", "\n"),
    *("10.0.0.0/8", "10.0.0.1/8", "010.0.0.0/8", "10.0.0.0/08", "10.0.0.1", "1.2.3.4/33", "::/0", "2001:DB8::/32"),
    *("443", "0", "65536", "9" * 20, "0x10", "1:2", "9:1", "TCP", "tcp", "Allow", "Egress", "In", "all()", "a == 'b'"),
    *("k8s:a", "a:b:c", "a/b", "a/b/c", "k8s.io/a", "./*", "~", "a--b", "9a"),
)
ODD_VALUES: tuple[Any, ...] = (None, [], {}, [None], 0, -1, 65_536, 2**31, 1.5, True, "x")


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of everything inside the value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in members:
        yield (*path, key)
        yield from places(part, (*path, key))


def mutated(manifest: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A copy with one change outside of the kind and the namespace."""
    changed = copy.deepcopy(manifest)
    kept = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "namespace")}
    *above, key = chance.choice([place for place in places(changed) if place not in kept])
    parent: Any = changed
    for step in above:
        parent = parent[step]
    _change(parent, key, chance)
    return changed


def _change(parent: Any, key: Any, chance: random.Random) -> None:
    value = parent[key]
    if chance.random() < 0.15:
        parent.pop(key)
    elif isinstance(value, str) and chance.random() < 0.8:
        parent[key] = chance.choice(ODD_TEXTS)
    elif isinstance(value, dict) and chance.random() < 0.5:
        value[chance.choice(("bogus", "cidr", "port", "matchName", "to"))] = chance.choice(ODD_VALUES)
    elif isinstance(value, list) and value and chance.random() < 0.5:
        value.append(copy.deepcopy(chance.choice(value)))
    else:
        parent[key] = chance.choice(ODD_VALUES)
