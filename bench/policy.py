"""How much a fleet saves by sharing the work of compiling: python bench/policy.py (or python -m bench.policy).

Prints ratios, so that a slow or busy machine tells the same: 10,000 entries in scope of 500 clusters, compiled
together against compiling each cluster alone, from cold and after one edit. What compiling alone costs is measured
on a few clusters and multiplied. Simulation and replay are measured by bench/simulation.py.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

# This file has the name of the package it measures: as a script it would import itself.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from policy.capabilities import Capabilities  # noqa: E402
from policy.compilation import compile_namespace  # noqa: E402
from policy.destinations import parse_destination  # noqa: E402
from policy.entries import PolicyEntry, new_passport  # noqa: E402
from policy.fleet import FleetCompiler  # noqa: E402
from policy.ports import parse_ports  # noqa: E402
from policy.template import TEMPLATE_V1  # noqa: E402

AT = datetime(2026, 11, 1, tzinfo=UTC)
GOAL_COLD = 0.05
GOAL_EDIT = 0.02
# Fleets are never quite alike: versions differ, and one cluster of ten has an exemption that takes an entry away.
VERSIONS = ("1.18.6", "1.19.3", "1.20.2")
EXEMPT_EVERY = 10


@dataclass(frozen=True)
class Cluster:
    """One cluster with the entries of each of its namespaces."""

    capabilities: Capabilities
    namespaces: dict[str, list[PolicyEntry]]


def entries(count: int) -> list[PolicyEntry]:
    """Of ten, seven exact names, two wildcards and one block of addresses."""
    found = []
    for number in range(count):
        kind = number % 10
        text = f"api{number}.vendor{number % 997}.example.com"
        if kind in {7, 8}:
            text = f"{'*' if kind == 7 else '**'}.tenant{number}.example.net"
        elif kind == 9:
            text = f"{11 + number % 80}.{number % 256}.{number // 256 % 256}.0/24"
        found.append(PolicyEntry(new_passport(number.to_bytes(4, "big")), parse_destination(text), parse_ports("443")))
    return found


def fleet(all_entries: Sequence[PolicyEntry], *, clusters: int, namespaces: int) -> list[Cluster]:
    """Every entry is in scope of every cluster, in one namespace of each; some clusters lack one entry."""
    shared = {f"ns{number}": list(all_entries[number::namespaces]) for number in range(namespaces)}
    found = []
    for number in range(clusters):
        mine = dict(shared)
        if number % EXEMPT_EVERY == 0:
            name = f"ns{number % namespaces}"
            mine[name] = [entry for position, entry in enumerate(mine[name]) if position != number % len(mine[name])]
        version = VERSIONS[number % len(VERSIONS)]
        found.append(Cluster(Capabilities(dialect="cilium", version=version), mine))
    return found


def alone(clusters: Sequence[Cluster]) -> float:
    """Seconds to compile each cluster by itself."""
    started = time.perf_counter()
    for cluster in clusters:
        for namespace, mine in cluster.namespaces.items():
            bundle = compile_namespace(
                capabilities=cluster.capabilities, template=TEMPLATE_V1, namespace=namespace, entries=mine, at=AT
            )
            assert bundle.hash
    return time.perf_counter() - started


def together(compiler: FleetCompiler, clusters: Sequence[Cluster]) -> float:
    """Seconds to compile all clusters with one compiler."""
    started = time.perf_counter()
    for cluster in clusters:
        for namespace, mine in cluster.namespaces.items():
            bundle = compiler.compile_namespace(
                capabilities=cluster.capabilities, template=TEMPLATE_V1, namespace=namespace, entries=mine, at=AT
            )
            assert bundle.hash
    return time.perf_counter() - started


def edited(all_entries: Sequence[PolicyEntry]) -> list[PolicyEntry]:
    """The same entries after one got another port."""
    return [replace(all_entries[0], ports=parse_ports("8443")), *all_entries[1:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--clusters", type=int, default=500)
    parser.add_argument("--namespaces", type=int, default=100)
    parser.add_argument("--sample", type=int, default=3, help="clusters that are compiled alone")
    options = parser.parse_args()
    all_entries = entries(options.entries)
    clusters = fleet(all_entries, clusters=options.clusters, namespaces=options.namespaces)
    each = alone(clusters[: options.sample]) / options.sample
    whole = each * options.clusters
    compiler = FleetCompiler()
    cold = together(compiler, clusters)
    after = fleet(edited(all_entries), clusters=options.clusters, namespaces=options.namespaces)
    edit = together(compiler, after)
    print(f"{options.entries:,} entries, {options.clusters} clusters, {options.namespaces} namespaces in each")
    print(f"alone:       {each:.2f} s a cluster, {whole:,.0f} s for all (from {options.sample} clusters)")
    print(f"cold:        {cold:.2f} s, {cold / whole:.4f}x of alone (goal {GOAL_COLD}x)")
    print(f"after edit:  {edit:.2f} s, {edit / whole:.4f}x of alone (goal {GOAL_EDIT}x)")
    work = compiler.work
    print(f"work:        {work.rendered:,} renderings, {work.assembled:,} bundles made, {work.shared:,} shared")


if __name__ == "__main__":
    main()
