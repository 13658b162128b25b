"""Known behaviour of implementations where the API leaves a choice, or where they are known to differ from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policy.simulation.errors import InvalidQuestion
from policy.simulation.truth import Truth, truth_of

_MATCH_MODE = "policy-cidr-match-mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The answers of one implementation; the defaults are those of the API texts, which leave several points open."""

    name: str
    # Does a block that contains the address of a pod (or of a node) match it?
    blocks_match_pods: Truth = Truth.CNI
    blocks_match_nodes: Truth = Truth.CNI
    networks_match_pods: Truth = Truth.YES
    networks_match_nodes: Truth = Truth.YES
    cilium_blocks_match_pods: Truth = Truth.NO
    cilium_blocks_match_nodes: Truth = Truth.NO
    # A section that policyTypes leaves out is enforced all the same.
    stray_sections_isolate: bool = False
    # A namespaceSelector made only of NotIn or DoesNotExist also selects addresses outside the cluster.
    negative_namespaces_match_outside: bool = False
    # Do policies select pods on the network of their host, by their labels?
    host_network_is_selected: Truth = Truth.CNI
    # A Baseline Accept re-opens what an isolating NetworkPolicy closed.
    baseline_reopens: bool = False
    # Traffic of a pod to its own node passes whatever the policies say.
    own_node_is_exempt: Truth = Truth.CNI
    # Policies judge the backend of a service, not its address.
    services_are_translated_first: Truth = Truth.CNI
    # An explicit default-deny closes a direction for which the policy has no section.
    empty_default_deny_isolates: bool = True
    # ClusterNetworkPolicy peers by domain name also open the cluster's DNS.
    admin_names_open_dns: bool = False
    # ClusterNetworkPolicy peers by domain name or by node are enforced at all.
    admin_names_are_enforced: bool = True
    admin_nodes_are_enforced: bool = True


API = Profile(name="api")
_CILIUM = Profile(
    name="cilium",
    blocks_match_pods=Truth.NO,
    blocks_match_nodes=Truth.NO,
    networks_match_pods=Truth.NO,
    networks_match_nodes=Truth.NO,
    stray_sections_isolate=True,
    negative_namespaces_match_outside=True,
    host_network_is_selected=Truth.NO,
    baseline_reopens=True,
    own_node_is_exempt=Truth.NO,
    services_are_translated_first=Truth.YES,
    empty_default_deny_isolates=False,
    admin_names_open_dns=True,
)
_CALICO = Profile(
    name="calico",
    blocks_match_pods=Truth.YES,
    blocks_match_nodes=Truth.YES,
    host_network_is_selected=Truth.NO,
    own_node_is_exempt=Truth.NO,
    services_are_translated_first=Truth.YES,
    admin_names_are_enforced=False,
    admin_nodes_are_enforced=False,
)
_BY_ADDRESS = replace(_CALICO, admin_names_are_enforced=True, admin_nodes_are_enforced=True)
PROFILES: Mapping[str, Profile] = {
    "api": API,
    "cilium": _CILIUM,
    "gke": replace(_CILIUM, name="gke"),
    "calico": _CALICO,
    "calico-enterprise": replace(_CALICO, name="calico-enterprise"),
    "antrea": replace(_BY_ADDRESS, name="antrea", own_node_is_exempt=Truth.YES),
    "ovn": replace(_BY_ADDRESS, name="ovn", own_node_is_exempt=Truth.YES),
    "aws": replace(_BY_ADDRESS, name="aws", stray_sections_isolate=True),
}


def profile_of(spelling: str | Mapping[str, Any] | Profile) -> Profile:
    """The profile named, with its settings: ``"cilium?policy-cidr-match-mode=pods"``, or an object with ``name``."""
    if isinstance(spelling, Profile):
        return spelling
    name, settings = _split(spelling)
    if name not in PROFILES:
        known = ", ".join(PROFILES)
        raise InvalidQuestion(subject="profile", field="name", message=f"{name!r} is none of {known}")
    return _with_settings(PROFILES[name], settings)


def _split(spelling: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(spelling, str):
        name, _, query = spelling.partition("?")
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        return name, {key: value for key, _, value in pairs}
    if not isinstance(spelling, Mapping):
        raise InvalidQuestion(subject="profile", field="", message="must be text or an object")
    return str(spelling.get("name", "api")), {key: value for key, value in spelling.items() if key != "name"}


def _with_settings(profile: Profile, settings: Mapping[str, Any]) -> Profile:
    unknown = set(settings) - ({_MATCH_MODE} if profile.name in {"cilium", "gke"} else set())
    if unknown:
        raise InvalidQuestion(subject="profile", field=min(unknown), message=f"is no setting of {profile.name}")
    if _MATCH_MODE not in settings:
        return profile
    given = settings[_MATCH_MODE]
    modes = _modes(given.split(",") if isinstance(given, str) else given)
    pods, nodes = truth_of("pods" in modes), truth_of("nodes" in modes)
    return replace(
        profile,
        blocks_match_pods=pods,
        blocks_match_nodes=nodes,
        networks_match_pods=pods,
        networks_match_nodes=nodes,
        cilium_blocks_match_pods=pods,
        cilium_blocks_match_nodes=nodes,
    )


def _modes(given: Iterable[Any]) -> set[str]:
    modes = {str(mode) for mode in given if mode != ""} if isinstance(given, list | tuple) else {"?"}
    if modes - {"pods", "nodes"}:
        raise InvalidQuestion(subject="profile", field=_MATCH_MODE, message="takes pods, nodes or both")
    return modes
