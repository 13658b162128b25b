"""How fast flows are judged, one by one and a day at a time: python bench/simulation.py.

Prints ratios, so that a slow or busy machine tells the same: single flows at 10, 100 and 1,000 policies, and the replay
of 10 million grouped flows against 10,000 entries, in time of one core.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tqdm import tqdm

# As a script, its own folder would come first, where a file has the name of the package that is measured.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from policy.destinations import parse_destination  # noqa: E402
from policy.entries import PolicyEntry  # noqa: E402
from policy.ports import parse_ports  # noqa: E402
from policy.replay import EntryIndex, GroupedFlow, Replay, ScopedEntry  # noqa: E402
from policy.selectors import parse_selector  # noqa: E402
from policy.simulation import ClusterState, Flow, Place, Simulator  # noqa: E402
from policy.simulation.addresses import parse_address  # noqa: E402

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
APPS = 20
GOAL_SECONDS = 20.0
# Different (workload, destination, port) tuples; the rest of the flows are these again in other hours.
POOL = 1_000_000


def passport(number: int) -> str:
    return "SP-" + "".join(ALPHABET[(number >> shift) & 31] for shift in (20, 15, 10, 5, 0))


def entries(*, count: int, namespaces: int) -> list[ScopedEntry]:
    """Seven names of ten are exact, two are wildcards, one of ten is a block of addresses."""
    found = []
    for number in range(count):
        kind = number % 10
        text = f"api{number}.vendor{number % 997}.example.com"
        if kind in {7, 8}:
            text = f"{'*' if kind == 7 else '**'}.tenant{number}.example.net"
        elif kind == 9:
            text = f"{11 + number % 80}.{number % 256}.{(number // 256) % 256}.0/24"
        workload = f"app=app{number % APPS}" if number % 2 else ""
        entry = PolicyEntry(
            passport=passport(number),
            destination=parse_destination(text),
            ports=parse_ports("443" if number % 3 else "443, 8000-8100"),
            workload=parse_selector(workload),
        )
        found.append(ScopedEntry(entry, frozenset({f"ns{number % namespaces}", f"ns{(number * 7) % namespaces}"})))
    return found


def grouped_flows(*, count: int, entry_count: int, namespaces: int) -> Iterator[GroupedFlow]:
    """Flows of every workload to popular and to rare destinations; half of them no entry names."""
    chance = random.Random(7)
    labels = [(("app", f"app{number}"), ("team", f"team{number % 5}")) for number in range(APPS)]
    destinations = list(_destinations(chance, entry_count))
    pool = []
    for _ in range(min(count, POOL)):
        place = chance.randrange(len(destinations))
        number = place // 2
        # Most traffic comes from the workloads that somebody asked for.
        space = number % namespaces if chance.random() < 0.7 else chance.randrange(namespaces)
        app = number % APPS if chance.random() < 0.7 else chance.randrange(APPS)
        port = chance.choice((443, 443, 443, 80, 8050))
        pool.append((f"ns{space}", labels[app], *destinations[place], port))
    for number in range(count):
        namespace, pairs, name, address, port = pool[(number * 7919) % len(pool)]
        yield GroupedFlow(namespace, pairs, name, address, port, "TCP", 3)


def _destinations(chance: random.Random, entry_count: int) -> Iterator[tuple[str | None, str]]:
    for number in range(entry_count):
        address = f"{11 + number % 80}.{number % 256}.{(number // 256) % 256}.{chance.randrange(256)}"
        name = f"api{number}.vendor{number % 997}.example.com"
        if number % 10 in {7, 8}:
            name = f"x.tenant{number}.example.net"
        yield (None if number % 10 == 9 else name), address
        yield f"unlisted{number}.example.org", f"203.0.113.{number % 256}"


def cluster_of(*, namespaces: int) -> ClusterState:
    pods = [
        {
            "namespace": f"ns{space}",
            "name": f"pod{app}",
            "labels": {"app": f"app{app}"},
            "ip": f"10.{space // 250}.{space % 250}.{app + 1}",
        }
        for space in range(namespaces)
        for app in range(APPS)
    ]
    return ClusterState.from_document({"namespaces": {f"ns{space}": {} for space in range(namespaces)}, "pods": pods})


def policies_of(*, count: int) -> list[dict[str, object]]:
    """Ten policies in each namespace, each with ten blocks and one port for one of twenty applications."""
    chance = random.Random(3)
    found: list[dict[str, object]] = []
    for number in range(count):
        blocks = [
            {"ipBlock": {"cidr": f"{chance.randrange(11, 200)}.{chance.randrange(256)}.{chance.randrange(256)}.0/24"}}
            for _ in range(10)
        ]
        spec = {
            "podSelector": {"matchLabels": {"app": f"app{chance.randrange(APPS)}"}},
            "policyTypes": ["Egress"],
            "egress": [{"to": blocks, "ports": [{"port": 443, "protocol": "TCP"}]}],
        }
        about = {"name": f"policy{number}", "namespace": f"ns{number // 10}"}
        found.append({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": about, "spec": spec})
    return found


def bench_simulation(*, policy_count: int, flow_count: int = 20_000) -> float:
    """Flows judged in a second of one core, by one simulator."""
    spaces = max(1, policy_count // 10)
    cluster = cluster_of(namespaces=spaces)
    started = time.process_time()
    simulator = Simulator(cluster=cluster, policies=policies_of(count=policy_count))
    made = time.process_time() - started
    chance = random.Random(5)
    flows = [
        Flow(
            source=Place(namespace=f"ns{chance.randrange(spaces)}", pod=f"pod{chance.randrange(APPS)}"),
            target=Place(address=parse_address(f"{chance.randrange(11, 200)}.{chance.randrange(256)}.1.1")),
            port=443,
        )
        for _ in range(flow_count)
    ]
    started = time.process_time()
    for flow in tqdm(flows, desc=f"simulate, {policy_count} policies", unit="flow"):
        simulator.judge(flow)
    rate = flow_count / (time.process_time() - started)
    print(f"simulate: {policy_count:>5} policies: {rate:,.0f} flows/s; made ready in {made:.2f} s")
    return rate


def bench_replay(*, flow_count: int, entry_count: int, namespaces: int = 200) -> None:
    started = time.process_time()
    index = EntryIndex(entries(count=entry_count, namespaces=namespaces))
    built = time.process_time() - started
    rows = grouped_flows(count=flow_count, entry_count=entry_count, namespaces=namespaces)
    replay, judged = Replay(index), 0.0
    with tqdm(total=flow_count, unit="flow", unit_scale=True, desc="replay") as bar:
        while batch := list(islice(rows, 100_000)):
            before = time.process_time()
            replay.add(batch)
            judged += time.process_time() - before
            bar.update(len(batch))
    tally = replay.tally()
    alone = _seconds_of_asking_every_entry(entry_count=entry_count, namespaces=namespaces)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    per_ten_million = judged * 10_000_000 / flow_count
    print(f"replay: {flow_count:,} grouped flows against {entry_count:,} entries: {judged:.1f} s of one core")
    print(
        f"  index built in {built:.2f} s; {1 - tally.unmatched / tally.flows:.0%} matched; peak memory {memory:.0f} MiB"
    )
    print(f"  {judged / flow_count / alone:.5f}x the time of asking every entry about every flow")
    print(
        f"  10 million: {per_ten_million:.1f} s, {per_ten_million / GOAL_SECONDS:.2f}x of the goal of {GOAL_SECONDS} s"
    )


def _seconds_of_asking_every_entry(*, entry_count: int, namespaces: int, sample: int = 50) -> float:
    """What one flow costs without an index."""
    scoped = entries(count=entry_count, namespaces=namespaces)
    flows = list(grouped_flows(count=sample, entry_count=entry_count, namespaces=namespaces))
    started = time.process_time()
    for flow in flows:
        for one in scoped:
            if flow.name is not None and one.entry.destination.matches_name(flow.name):
                one.covers_workload(namespace=flow.namespace, labels=dict(flow.labels))
    return (time.process_time() - started) / sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=10_000_000)
    parser.add_argument("--entries", type=int, default=10_000)
    options = parser.parse_args()
    rates = {count: bench_simulation(policy_count=count) for count in (10, 100, 1_000)}
    print(f"simulate: 1,000 policies take {rates[10] / rates[1_000]:.2f}x the time of 10 for one flow (goal: flat)")
    bench_replay(flow_count=options.flows, entry_count=options.entries)


if __name__ == "__main__":
    main()
