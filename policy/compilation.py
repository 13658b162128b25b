"""Entries, capabilities and a template in; the bundle of one namespace out. Same input, same bytes."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from policy.bundles import Bundle, Fidelity, Fragment, sorted_objects
from policy.capabilities import Capabilities
from policy.compilers import (
    adminnetworkpolicy,
    antrea,
    aws_clusternetworkpolicy,
    aws_networkpolicy,
    aws_nfw,
    aws_routes,
    aws_security_group,
    calico,
    cilium,
    clusternetworkpolicy,
    dns_firewall,
    envoy,
    gke,
    istio,
    networkpolicy,
    ovn,
    smokescreen,
    squid,
)
from policy.entries import PolicyEntry
from policy.errors import DuplicatePassport, InvalidEntry, UnknownDialect
from policy.rendering import Compiler, Rendering, impossible
from policy.template import Template

_MODULES = (
    adminnetworkpolicy,
    antrea,
    aws_clusternetworkpolicy,
    aws_networkpolicy,
    aws_nfw,
    aws_routes,
    aws_security_group,
    calico,
    cilium,
    clusternetworkpolicy,
    dns_firewall,
    envoy,
    gke,
    istio,
    networkpolicy,
    ovn,
    smokescreen,
    squid,
)
COMPILERS: dict[str, Compiler] = {module.COMPILER.dialect: module.COMPILER for module in _MODULES}
DIALECTS: tuple[str, ...] = tuple(sorted(COMPILERS))


class CompiledEntry(NamedTuple):
    """What one entry alone becomes in a dialect, for previews and for the effect that an approval binds to."""

    fragment: Fragment
    fidelity: Fidelity


def compile_namespace(
    *,
    capabilities: Capabilities,
    template: Template,
    namespace: str,
    entries: Iterable[PolicyEntry],
    at: datetime,
) -> Bundle:
    """Everything that the namespace must carry at ``at``; entries that have ended are never in it."""
    compiler = compiler_of(capabilities.dialect)
    living = entries_in_force(entries, at=at)
    renderings = [compiler.render(entry, capabilities=capabilities, template=template) for entry in living]
    return assemble_bundle(renderings, capabilities=capabilities, template=template, namespace=namespace)


def assemble_bundle(
    renderings: list[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Bundle:
    """The bundle of renderings that are in the order of their passports."""
    compiler = compiler_of(capabilities.dialect)
    assembly = compiler.assemble(renderings, capabilities=capabilities, template=template, namespace=namespace)
    return Bundle(
        dialect=capabilities.dialect,
        namespace=namespace,
        template_version=template.version,
        objects=sorted_objects(assembly.objects),
        fidelity={one.entry.passport: one.fidelity for one in renderings} | dict(assembly.refused),
        capacity=assembly.capacity,
    )


def compile_cluster(*, capabilities: Capabilities, template: Template) -> Bundle:
    """What the cluster as a whole must carry beside its namespaces: guardrails, where the template has any."""
    compiler = compiler_of(capabilities.dialect)
    objects = () if compiler.cluster is None else compiler.cluster(capabilities=capabilities, template=template)
    return Bundle(
        dialect=capabilities.dialect,
        namespace="",
        template_version=template.version,
        objects=sorted_objects(objects),
        fidelity={},
    )


def compile_entry(*, capabilities: Capabilities, template: Template, entry: PolicyEntry, at: datetime) -> CompiledEntry:
    """What the entry alone becomes; one that has ended becomes nothing."""
    compiler = compiler_of(capabilities.dialect)
    _check_instant(at)
    if not entry.is_in_force(at):
        rendering = Rendering(entry, impossible(f"The entry ended at {entry.expires_at}"))
    else:
        rendering = compiler.render(entry, capabilities=capabilities, template=template)
    return CompiledEntry(rendering.fragment(capabilities.dialect), rendering.fidelity)


def compiler_of(dialect: str) -> Compiler:
    try:
        return COMPILERS[dialect]
    except KeyError:
        message = f"There is no compiler for {dialect!r}"
        raise UnknownDialect(message, details={"known": sorted(COMPILERS)}) from None


def entries_in_force(entries: Iterable[PolicyEntry], *, at: datetime) -> list[PolicyEntry]:
    """The entries that have not ended, each passport once, in the order of passports."""
    _check_instant(at)
    living = [entry for entry in entries if entry.expires_at is None or at < entry.expires_at]
    living.sort(key=attrgetter("passport"))
    if all(one.passport != other.passport for one, other in pairwise(living)):
        return living
    return _without_repeats(living)


def _without_repeats(living: list[PolicyEntry]) -> list[PolicyEntry]:
    found: dict[str, PolicyEntry] = {}
    for entry in living:
        if found.setdefault(entry.passport, entry) != entry:
            raise DuplicatePassport(f"Two entries carry the passport {entry.passport}")
    return list(found.values())


def _check_instant(at: datetime) -> None:
    if at.tzinfo is None:
        raise InvalidEntry("The instant to compile for needs a time zone")
