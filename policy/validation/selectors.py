"""Label selectors, as Kubernetes reads them and as Cilium does."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.schema import Items, Object, Problem, Text, TextCheck, TextMap, below, quoted
from policy.validation.texts import label_key, label_value

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_WITH_VALUES = frozenset({"In", "NotIn"})


def _expression(expression: Mapping[str, Any], path: str) -> Iterator[Problem]:
    values = expression.get("values") or []
    if expression["operator"] in _WITH_VALUES:
        if not values:
            yield below(path, "values"), "required with the operators In and NotIn"
    elif values:
        yield below(path, "values"), "not allowed with the operators Exists and DoesNotExist"


def _selector(key: TextCheck) -> Object:
    value = Text(check=label_value)
    expression = Object(
        {"key": Text(check=key), "operator": Text(choices=OPERATORS), "values": Items(value)},
        required=("key", "operator"),
        check=_expression,
    )
    return Object({"matchLabels": TextMap(value, key=key), "matchExpressions": Items(expression)})


def cilium_label_key(text: str) -> str | None:
    """What keeps the text from being a label key of Cilium: an optional source and ``:``, then a key of Kubernetes."""
    source, colon, key = text.rpartition(":")
    if ":" in source:
        return f"{quoted(text)} has more than one ':'"
    if colon and (not source.isascii() or not source.isalnum()):
        return f"{quoted(text)} begins with no source such as k8s, any or reserved"
    return label_key(key)


LABEL_SELECTOR = _selector(label_key)
CILIUM_SELECTOR = _selector(cilium_label_key)
