"""What counts as a difference, and how it reads."""

from __future__ import annotations

import copy

from rollouts.comparison import compare
from rollouts.differences import differences
from rollouts.models import Bundle
from rollouts.planning import split
from tests.rollouts.manifests import base, cilium_policy, foreign, live, network_policy, rule

A, B = rule("10.0.0.0/8"), rule("192.0.2.0/24")


def published(*objects: dict) -> Bundle:
    return Bundle(generation=1, objects_json=list(objects))


def test_defaults_order_and_foreign_labels_are_no_difference() -> None:
    shuffled = live(base(A, B))
    shuffled["spec"]["egress"].reverse()
    shuffled["metadata"]["labels"]["argocd"] = "tracks-this"

    assert differences(live(base(A, B)), shuffled) == ()


def test_a_changed_port_is_told_by_its_path() -> None:
    edited = copy.deepcopy(base(A))
    edited["spec"]["egress"][1]["ports"][0]["port"] = 8443

    (found,) = differences(base(A), edited)

    assert found.path.startswith("spec.egress[")
    assert found.path.endswith(".port")
    assert (found.published, found.live) == (443, 8443)


def test_an_added_rule_and_a_removed_rule_are_told() -> None:
    added = differences(base(A), base(A, B))
    removed = differences(base(A, B), base(A))

    assert [(one.published, one.live["to"][0]["ipBlock"]["cidr"]) for one in added] == [(None, "192.0.2.0/24")]
    assert [(one.published["to"][0]["ipBlock"]["cidr"], one.live) for one in removed] == [("192.0.2.0/24", None)]


def test_a_cilium_rule_is_named_by_its_passport() -> None:
    entry = {"description": "SP-00001 10.0.0.0/8", "endpointSelector": {}, "egress": [{"toCIDR": ["10.0.0.0/8"]}]}
    wider = copy.deepcopy(entry)
    wider["egress"][0]["toCIDR"] = ["0.0.0.0/0"]

    found = differences(cilium_policy(entry), cilium_policy(wider))

    assert found
    assert all("SP-00001" in one.path for one in found)


def test_a_lost_label_of_ours_is_a_difference() -> None:
    stripped = live(base(A))
    del stripped["metadata"]["labels"]["app.kubernetes.io/managed-by"]

    assert [one.path for one in differences(live(base(A)), stripped)] == [
        "metadata.labels.app.kubernetes.io/managed-by"
    ]


def test_an_identical_cluster_has_no_finding() -> None:
    assert list(compare(published(base(A)), split([live(base(A))]))) == []


def test_each_kind_of_drift_is_found_once_with_a_reason() -> None:
    wide = live(base(A, B))
    stray = live(network_policy(B, name="by-hand"), manager="kubectl")
    theirs = foreign(network_policy(B))
    closed = foreign(network_policy(), name="their-deny")
    missing = network_policy(A, name="sallyport-egress-db", selector={"app": "db"})

    found = list(compare(published(base(A), missing), split([wide, stray, theirs, closed])))

    assert {(one.difference, one.key.name) for one in found} == {
        ("changed", "sallyport-egress"),
        ("missing", "sallyport-egress-db"),
        ("extra", "by-hand"),
        ("foreign", "theirs"),
    }
    assert all(one.reason for one in found)


def test_an_object_stripped_of_all_our_marks_is_changed_and_not_missing() -> None:
    stripped = live(base(A), manager="kubectl")
    stripped["metadata"]["labels"] = {}

    (found,) = compare(published(base(A)), split([stripped]))

    assert found.difference == "changed"
