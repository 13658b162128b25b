"""Policies of all kinds made ready for judgement, and the refusal of those that no cluster enforces."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policy.simulation.calico import BUILT_IN_TIERS, CalicoContext, compile_calico_policy, network_set_of, tier_of
from policy.simulation.cilium import CiliumContext, cidr_group_of, compile_cilium_policy
from policy.simulation.clusterpolicy import compile_cluster_policy
from policy.simulation.errors import InvalidPolicies
from policy.simulation.index import PolicyIndex
from policy.simulation.manifests import Manifest, unfold
from policy.simulation.model import CompiledPolicy, Tier
from policy.simulation.networkpolicy import compile_fqdn_policy, compile_network_policy
from policy.simulation.profiles import Profile
from policy.simulation.state import ClusterState
from policy.validation import object_name, validate_manifest

OnInvalid = Literal["refuse", "not-enforced"]

_NETWORK = {("networking.k8s.io", "NetworkPolicy"), ("networking.k8s.aws", "ApplicationNetworkPolicy")}
_FQDN = {("networking.gke.io", "FQDNNetworkPolicy")}
_CILIUM = {("cilium.io", "CiliumNetworkPolicy"), ("cilium.io", "CiliumClusterwideNetworkPolicy")}
_CIDR_GROUP = {("cilium.io", "CiliumCIDRGroup")}
_CALICO = {("projectcalico.org", "NetworkPolicy"), ("projectcalico.org", "GlobalNetworkPolicy")}
_CALICO_SET = {("projectcalico.org", "NetworkSet"), ("projectcalico.org", "GlobalNetworkSet")}
_TIER = {("projectcalico.org", "Tier")}
_STAGED = {
    ("projectcalico.org", kind)
    for kind in ("StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy")
}
_ADMIN = {
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
    ("networking.k8s.aws", "ClusterNetworkPolicy"),
}
SIMULATED = frozenset(_NETWORK | _FQDN | _CILIUM | _CIDR_GROUP | _CALICO | _CALICO_SET | _TIER | _STAGED | _ADMIN)


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """The policies of a cluster, indexed, with what was left out and why."""

    index: PolicyIndex
    tiers: tuple[Tier, ...]
    notes: tuple[str, ...]

    @property
    def policies(self) -> tuple[CompiledPolicy, ...]:
        return self.index.policies


def compile_policies(
    policies: Iterable[Mapping[str, Any]],
    *,
    cluster: ClusterState,
    profile: Profile,
    on_invalid: OnInvalid = "refuse",
) -> CompiledPolicies:
    """Make manifests ready; what the server or the agent would refuse raises ``InvalidPolicies``.

    ``on_invalid="not-enforced"`` is for objects read from a live cluster: what the agent refuses lies there without
    any effect, and is named in the notes.
    """
    manifests, notes = _checked(policies, profile=profile, on_invalid=on_invalid)
    compiled = tuple(_compile(manifests, cluster=cluster, profile=profile))
    notes += [f"{one.origin} is staged: it is logged and decides nothing" for one in manifests if _key(one) in _STAGED]
    return CompiledPolicies(PolicyIndex(compiled), _tiers(manifests), tuple(notes))


def _checked(
    policies: Iterable[Mapping[str, Any]], *, profile: Profile, on_invalid: OnInvalid
) -> tuple[list[Manifest], list[str]]:
    manifests: list[Manifest] = []
    errors: list[dict[str, str]] = []
    for document in unfold(policies):
        found = _problems(document, profile=profile)
        errors += found
        if not found:
            manifests.append(Manifest(document))
    if errors and on_invalid == "refuse":
        raise InvalidPolicies(errors)
    notes = [f"{one['object']} is not enforced: {one['field']}: {one['message']}" for one in errors]
    return manifests, notes


def _problems(document: Mapping[str, Any], *, profile: Profile) -> list[dict[str, str]]:
    is_enterprise = profile.name == "calico-enterprise"
    found = validate_manifest(document, calico_enterprise=is_enterprise)
    if not found and _key(Manifest(document)) not in SIMULATED:
        message = "this kind of policy is not simulated, so no verdict beside it would be true"
        return [{"object": object_name(document), "field": "kind", "message": message}]
    return [{"object": one.object, "field": one.field, "message": one.message} for one in found]


def _compile(manifests: list[Manifest], *, cluster: ClusterState, profile: Profile) -> Iterator[CompiledPolicy]:
    groups = {one.name: cidr_group_of(one) for one in manifests if _key(one) in _CIDR_GROUP}
    cilium = CiliumContext(profile=profile, cluster_name=cluster.name, groups=groups)
    sets = tuple(network_set_of(one) for one in manifests if _key(one) in _CALICO_SET)
    calico = CalicoContext(cluster, sets)
    for manifest in manifests:
        key = _key(manifest)
        if key in _NETWORK:
            yield compile_network_policy(manifest, profile=profile)
        elif key in _FQDN:
            yield compile_fqdn_policy(manifest, profile=profile)
        elif key in _CILIUM:
            yield from compile_cilium_policy(manifest, context=cilium)
        elif key in _ADMIN:
            yield compile_cluster_policy(manifest, profile=profile)
        elif key in _CALICO:
            policy = compile_calico_policy(manifest, context=calico)
            if policy is not None:
                yield policy


def _tiers(manifests: list[Manifest]) -> tuple[Tier, ...]:
    """The tiers in their order; the default one always denies at its end, whatever an object says."""
    tiers = {tier.name: tier for tier in BUILT_IN_TIERS}
    tiers |= {one.name: tier_of(one) for one in manifests if _key(one) in _TIER and one.name not in tiers}
    return tuple(sorted(tiers.values(), key=lambda tier: (tier.order, tier.name)))


def _key(manifest: Manifest) -> tuple[str, str]:
    return manifest.group, manifest.kind
