"""Which writes are planned, and in which order."""

from __future__ import annotations

import itertools

import pytest

from policy.capabilities import MAX_OBJECT_BYTES
from rollouts.errors import Superseded, SuspiciousShrink
from rollouts.objects import Object, denies_by_default, key_of, rules_of, same, stamped
from rollouts.planning import Step, check_shrink, plan, split
from tests.rollouts.manifests import base, cilium_policy, foreign, live, network_policy, rule

A, B, C = rule("10.0.0.0/8"), rule("192.0.2.0/24"), rule("198.51.100.0/24")


def steps_for(desired: list[Object], present: list[Object], *, generation: int = 2, **more: object) -> list[Step]:
    arguments: dict = {"published": [], "approved_deletions": (), "max_bytes": MAX_OBJECT_BYTES} | more
    return list(plan(desired=desired, live=split(present), generation=generation, **arguments))


def names(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.action, step.key.name) for step in steps]


def for_db(*rules: Object) -> Object:
    return network_policy(*rules, name="sallyport-egress-db", selector={"app": "db"})


def test_nothing_is_planned_when_all_is_in_place() -> None:
    assert steps_for([base(A)], [live(base(A), generation=2)]) == []


def test_what_the_server_adds_is_no_reason_to_write() -> None:
    present = live(base(A), generation=2)
    present["metadata"]["labels"]["added-by"] = "somebody"

    assert steps_for([base(A)], [present]) == []


def test_an_unchanged_object_is_stamped_with_the_new_generation() -> None:
    steps = steps_for([base(A)], [live(base(A), generation=1)])

    assert names(steps) == [("update", "sallyport-egress")]
    assert steps[0].manifest["metadata"]["annotations"]["sallyport.dev/generation"] == "2"


def test_a_single_object_is_created_as_it_is() -> None:
    assert names(steps_for([base(A)], [])) == [("create", "sallyport-egress")]


def test_the_base_stands_open_while_the_others_are_created() -> None:
    steps = steps_for([base(A), for_db(B)], [])

    assert names(steps) == [
        ("create", "sallyport-egress"),
        ("create", "sallyport-egress-db"),
        ("update", "sallyport-egress"),
    ]
    assert steps[0].manifest["spec"]["egress"] == [{}]
    assert not denies_by_default(steps[0].manifest)
    assert same(steps[2].manifest, stamped(base(A), 2))


def test_no_base_is_opened_beside_a_policy_that_already_closes_the_namespace() -> None:
    steps = steps_for([base(A), for_db(B)], [foreign(network_policy())])

    assert names(steps) == [("create", "sallyport-egress-db"), ("create", "sallyport-egress")]


def test_growing_comes_before_shrinking_and_deletion_last() -> None:
    old_db = for_db(B)
    steps = steps_for(
        [base(A, B)],
        [live(base(A), uid="base"), live(old_db, uid="db")],
        published=[key_of(base(A)), key_of(old_db)],
    )

    assert names(steps) == [("update", "sallyport-egress"), ("delete", "sallyport-egress-db")]
    assert steps[-1].uid == "db"


def test_rules_that_change_places_are_open_in_one_of_them_at_every_moment() -> None:
    """A moves from all pods to the database pods while B moves the other way."""
    steps = steps_for([base(B), for_db(A)], [live(base(A), uid="base"), live(for_db(B), uid="db")])

    for state in states_after_each(steps, [base(A), for_db(B)]):
        opened = set().union(*(rules_without_frame(item) for item in state.values()))
        assert {rule_text(A), rule_text(B)} <= opened


def rule_text(one: Object) -> str:
    return str(one["to"])


def rules_without_frame(item: Object) -> set[str]:
    return {str(one.get("to")) for one in item["spec"]["egress"]}


def states_after_each(steps: list[Step], present: list[Object]) -> list[dict]:
    state = {key_of(item): item for item in present}
    seen = [dict(state)]
    for step in steps:
        if step.action == "delete":
            state.pop(step.key)
        else:
            state[step.key] = step.manifest
        seen.append(dict(state))
    return seen


@pytest.mark.parametrize(
    ("old", "new"), list(itertools.product(itertools.product([(), (A,), (A, B)], [None, (B,), (A, C)]), repeat=2))
)
def test_no_moment_denies_what_both_sides_allow_nor_allows_what_neither_does(old: tuple, new: tuple) -> None:
    """Every change between two states of a base and one selector object, step by step, for both sorts of pods."""
    before, after = objects_of(old), objects_of(new)
    steps = steps_for(
        after, [live(item, uid=item["metadata"]["name"]) for item in before], published=map(key_of, before)
    )

    states = states_after_each(steps, before)
    for selected in (False, True):
        least = allowed(states[0], selected) & allowed({key_of(item): item for item in after}, selected)
        most = allowed(states[0], selected) | allowed({key_of(item): item for item in after}, selected)
        for state in states:
            assert least <= allowed(state, selected) <= most
    assert {key_of(item) for item in after} == set(states[-1])
    assert all(same(stamped(item, 2), states[-1][key_of(item)]) for item in after if steps)


def objects_of(shape: tuple) -> list[Object]:
    all_pods, database = shape
    return [base(*all_pods), *([for_db(*database)] if database is not None else [])]


def allowed(state: dict, selected: bool) -> frozenset[str]:
    """What pods with or without the database label may reach."""
    seen: set[str] = set()
    for item in state.values():
        if selected or not item["spec"]["podSelector"]:
            seen |= rules_without_frame(item)
    return frozenset(seen)


def test_a_newer_generation_on_the_cluster_stops_everything() -> None:
    with pytest.raises(Superseded) as caught:
        steps_for([base(A)], [live(base(), generation=3)])

    assert caught.value.live_generation == 3


def test_an_object_with_our_label_that_nobody_published_stays_until_a_person_wants_it_gone() -> None:
    stray = live(network_policy(A, name="by-hand"), uid="stray", manager="kubectl")
    present = [live(base(), generation=2), stray]

    assert steps_for([base()], present) == []
    assert names(steps_for([base()], present, approved_deletions=["stray"])) == [("delete", "by-hand")]
    assert steps_for([base()], present, approved_deletions=["another uid"]) == []


def test_somebody_elses_object_is_never_in_a_plan() -> None:
    theirs = foreign(network_policy(A))
    steps = steps_for([base(B)], [theirs], approved_deletions=["uid-1"], published=[key_of(theirs)])

    assert names(steps) == [("create", "sallyport-egress")]


def test_a_cilium_policy_is_updated_in_place() -> None:
    entry = {"description": "SP-00001 api.example.com", "endpointSelector": {}, "egress": [{"toCIDR": ["10.0.0.0/8"]}]}
    steps = steps_for([cilium_policy(entry)], [live(cilium_policy())])

    assert names(steps) == [("update", "sallyport-egress")]
    assert len(rules_of(steps[0].manifest)) == 2


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [(10, 5, False), (10, 4, True), (6, 3, False), (4, 0, True), (3, 0, False), (0, 9, False)],
)
def test_a_large_removal_waits_for_a_person(before: int, after: int, held: bool) -> None:
    passports = [f"SP-{number:05}" for number in range(20)]
    if not held:
        check_shrink(before=passports[:before], after=passports[:after])
        return
    with pytest.raises(SuspiciousShrink) as caught:
        check_shrink(before=passports[:before], after=passports[:after])
    assert len(caught.value.details["removed"]) == before - after
