"""Policy objects as dictionaries: their key, the generation stamped on them, and what of them decides about traffic."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, NamedTuple

from policy.bundles import canonical_json
from policy.rendering import OBJECT_NAME, PASSPORTS

Object = dict[str, Any]

GENERATION = "sallyport.dev/generation"
OUR_PREFIX = "sallyport.dev/"
NETWORK_POLICY = ("networking.k8s.io/v1", "NetworkPolicy")
CILIUM_POLICY = ("cilium.io/v2", "CiliumNetworkPolicy")


class ObjectKey(NamedTuple):
    """What identifies an object inside one namespace."""

    api_version: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def key_of(item: Object) -> ObjectKey:
    return ObjectKey(item["apiVersion"], item["kind"], item["metadata"]["name"])


def by_key(items: Iterable[Object]) -> dict[ObjectKey, Object]:
    return {key_of(item): item for item in items}


def is_base(item: Object) -> bool:
    """Whether this is the object with the default deny and DNS, of which every namespace has one."""
    return bool(item["metadata"]["name"] == OBJECT_NAME)


def stamped(item: Object, generation: int) -> Object:
    """The object with the generation that it is written for."""
    copied = copy.deepcopy(item)
    copied["metadata"].setdefault("annotations", {})[GENERATION] = str(generation)
    return copied


def uid_of(item: Object) -> str:
    return str(item["metadata"].get("uid", ""))


def version_of(item: Object) -> str:
    return str(item["metadata"].get("resourceVersion", ""))


def passports_of(items: Iterable[Object]) -> frozenset[str]:
    """The passports that objects say they carry."""
    found: set[str] = set()
    for item in items:
        text = (item["metadata"].get("annotations") or {}).get(PASSPORTS, "")
        found.update(part for part in str(text).split(",") if part)
    return frozenset(found)


def essence(item: Object) -> Object:
    """What is compared and shown: the policy itself and our own labels and annotations; lists are sets in policies."""
    metadata = item.get("metadata") or {}
    content = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return {**content, "metadata": _our_metadata(metadata)}


def same(left: Object, right: Object) -> bool:
    """Whether two objects mean the same and carry the same marks of ours."""
    return canonical_json(sorted_lists(essence(left))) == canonical_json(sorted_lists(essence(right)))


def sorted_lists(value: Any) -> Any:
    """The value with every list in one order: in policies the order of rules and peers means nothing."""
    if isinstance(value, dict):
        return {key: sorted_lists(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted((sorted_lists(inner) for inner in value), key=canonical_json)
    return value


def rules_of(item: Object) -> frozenset[bytes]:
    """The parts of which the object's effect is the sum, each in one text; more of them open more."""
    if "specs" in item:
        return frozenset(canonical_json(sorted_lists(one)) for one in item["specs"] or [])
    spec = item.get("spec") or {}
    frame = canonical_json(sorted_lists({key: value for key, value in spec.items() if key != "egress"}))
    return frozenset(frame + canonical_json(sorted_lists(rule)) for rule in spec.get("egress") or [])


def union(old: Object, new: Object) -> Object:
    """The new object with the old one's rules beside its own: allows at least what either allows."""
    merged = copy.deepcopy(new)
    if "specs" in new:
        merged["specs"] = _merged(new["specs"], old.get("specs") or [])
    else:
        merged["spec"]["egress"] = _merged(new["spec"].get("egress") or [], (old.get("spec") or {}).get("egress") or [])
    return merged


def permissive(base: Object) -> Object:
    """The base object as it stands for the moment in which the others are created: it closes nothing yet."""
    opened = copy.deepcopy(base)
    opened["metadata"].get("annotations", {}).pop(PASSPORTS, None)
    if "specs" in base:
        opened["specs"] = [
            {
                "description": "sallyport: being put in place",
                "endpointSelector": {},
                "egress": [{"toEntities": ["all"]}],
                "enableDefaultDeny": {"egress": False, "ingress": False},
            }
        ]
    else:
        opened["spec"]["egress"] = [{}]
    return opened


def closes_egress(item: Object) -> bool:
    """Whether the object isolates some pods for egress, whatever it then allows."""
    if (item["apiVersion"], item["kind"]) == NETWORK_POLICY:
        spec = item.get("spec") or {}
        return "Egress" in (spec.get("policyTypes") or []) or bool(spec.get("egress"))
    return any(_cilium_closes(spec) for spec in specs_of(item))


def denies_by_default(item: Object) -> bool:
    """Whether the object closes egress of every pod of its namespace, but for what policies allow."""
    if (item["apiVersion"], item["kind"]) == NETWORK_POLICY:
        spec = item.get("spec") or {}
        return closes_egress(item) and not spec.get("podSelector") and {} not in (spec.get("egress") or [])
    return any(_cilium_closes(spec) and not spec.get("endpointSelector") for spec in specs_of(item))


def allows_dns(item: Object, *, ports: Iterable[int]) -> bool:
    """Whether a rule of the object opens one of the DNS ports."""
    wanted = {str(port) for port in ports}
    return bool(wanted & set(_opened_ports(item)))


def opens_egress(item: Object) -> bool:
    """Whether the object allows any egress at all."""
    if (item["apiVersion"], item["kind"]) == NETWORK_POLICY:
        return bool((item.get("spec") or {}).get("egress"))
    return any(rule for spec in specs_of(item) for rule in spec.get("egress") or [])


def specs_of(item: Object) -> list[Object]:
    """The rule sets of a Cilium policy: it has ``spec``, ``specs`` or both."""
    single = item.get("spec")
    return [*([single] if isinstance(single, dict) else []), *(item.get("specs") or [])]


def _opened_ports(item: Object) -> Iterable[str]:
    if "specs" not in item and (item["apiVersion"], item["kind"]) == NETWORK_POLICY:
        for rule in (item.get("spec") or {}).get("egress") or []:
            yield from (str(port.get("port")) for port in rule.get("ports") or [])
        return
    for spec in specs_of(item):
        for rule in spec.get("egress") or []:
            for group in rule.get("toPorts") or []:
                yield from (str(port.get("port")) for port in group.get("ports") or [])


def _cilium_closes(spec: Object) -> bool:
    wanted = (spec.get("enableDefaultDeny") or {}).get("egress")
    return bool(spec.get("egress") or spec.get("egressDeny")) if wanted is None else bool(wanted)


def _merged(first: list[Any], second: list[Any]) -> list[Any]:
    known = {canonical_json(sorted_lists(one)) for one in first}
    return [*first, *(one for one in second if canonical_json(sorted_lists(one)) not in known)]


def _our_metadata(metadata: Object) -> Object:
    labels = metadata.get("labels") or {}
    annotations = metadata.get("annotations") or {}
    return {
        "name": metadata.get("name"),
        "labels": {key: value for key, value in labels.items() if is_our_mark(key)},
        "annotations": {key: value for key, value in annotations.items() if is_our_mark(key)},
    }


def is_our_mark(key: str) -> bool:
    return key.startswith(OUR_PREFIX) or key == "app.kubernetes.io/managed-by"
