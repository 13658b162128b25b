"""Policies by namespace and by label, so that a flow never looks at the policies of other namespaces."""

from collections.abc import Iterable, Iterator

from policy.simulation.flows import Party
from policy.simulation.model import CompiledPolicy
from policy.simulation.truth import Truth

Selected = tuple[tuple[CompiledPolicy, Truth], ...]
MAXIMUM_REMEMBERED = 100_000


class PolicyIndex:
    """Answers which policies protect a party; for pods that it has seen before, at once."""

    def __init__(self, policies: Iterable[CompiledPolicy]) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: policy.sort_key))
        self._by_namespace: dict[str | None, _Bucket] = {}
        for place, policy in enumerate(self.policies):
            self._by_namespace.setdefault(policy.subject.namespace, _Bucket()).add(place, policy)
        self._over_nodes = {place for place, policy in enumerate(self.policies) if policy.subject.is_of_nodes}
        self._remembered: dict[tuple[str, str], Selected] = {}

    def protecting(self, party: Party) -> Selected:
        """The policies whose subject the party is, or may be, in their order of judgement."""
        key = (party.pod.namespace, party.pod.name) if party.pod is not None else None
        if key is not None and key in self._remembered:
            return self._remembered[key]
        found = tuple(self._judge(party))
        if key is not None:
            if len(self._remembered) >= MAXIMUM_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found
        return found

    def _judge(self, party: Party) -> Iterator[tuple[CompiledPolicy, Truth]]:
        for place in sorted(self._candidates(party)):
            truth = self.policies[place].subject.judge(party)
            if truth is not Truth.NO:
                yield self.policies[place], truth

    def _candidates(self, party: Party) -> set[int]:
        if party.kind == "unlisted" and party.namespace is None:
            return set(range(len(self.policies)))
        if party.kind != "pod" and party.kind != "unlisted":
            return self._over_nodes if party.kind == "node" else set()
        found: set[int] = set()
        for namespace in (party.namespace, None):
            bucket = self._by_namespace.get(namespace)
            if bucket is not None:
                found.update(bucket.candidates(party))
        return found


class _Bucket:
    """The policies of one namespace, or of none: by a label that they demand, and those that demand none."""

    def __init__(self) -> None:
        self._by_pair: dict[tuple[str, str], list[int]] = {}
        self._others: list[int] = []

    def add(self, place: int, policy: CompiledPolicy) -> None:
        pair = policy.subject.pair
        (self._others if pair is None else self._by_pair.setdefault(pair, [])).append(place)

    def candidates(self, party: Party) -> Iterator[int]:
        yield from self._others
        if not party.labels.is_complete:
            for places in self._by_pair.values():
                yield from places
            return
        for pair in party.labels.values.items():
            yield from self._by_pair.get(pair, ())
