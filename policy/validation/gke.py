"""``networking.gke.io/v1alpha1`` FQDNNetworkPolicy."""

from collections.abc import Mapping

from policy.dialects import gke as dialect
from policy.dialects.result import InvalidPattern
from policy.validation.kinds import Key, Kind, kind
from policy.validation.networkpolicy import PORT_NUMBER
from policy.validation.schema import Items, Object, Text, TextCheck
from policy.validation.selectors import LABEL_SELECTOR


def _pattern(field: str) -> TextCheck:
    def check(text: str) -> str | None:
        # The CRD takes the empty text, and Dataplane V2 lets it stand: it names nothing and opens nothing.
        if not text:
            return None
        try:
            dialect.check_pattern(text, field=field)
        except InvalidPattern as problem:
            return str(problem)
        return None

    return check


_MATCH = Object(
    {"name": Text(check=_pattern("name")), "pattern": Text(check=_pattern("pattern"))}, minimum=1, maximum=1
)
_PORT = Object({"port": PORT_NUMBER, "protocol": Text(choices=("TCP", "UDP", "ALL"))})
_RULE = Object({"matches": Items(_MATCH, minimum=1), "ports": Items(_PORT)}, required=("matches",))
_SPEC = Object({"podSelector": LABEL_SELECTOR, "egress": Items(_RULE, minimum=1)}, required=("podSelector", "egress"))

KINDS: Mapping[Key, Kind] = {("networking.gke.io/v1alpha1", "FQDNNetworkPolicy"): kind(_SPEC, is_namespaced=True)}
