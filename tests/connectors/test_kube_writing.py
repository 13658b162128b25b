"""Writing, fencing and taking back, on a real kube-apiserver; the official client is the witness."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ConflictError

from connectors.errors import (
    AlreadyExists,
    FieldConflict,
    Missing,
    NotOurs,
    Rejected,
    StaleGeneration,
    StaleObject,
)
from connectors.kube import NETWORK_POLICIES, KubeClient, is_ours, last_change, last_foreign_change, managers_of
from connectors.kube.ownership import has_leftover
from connectors.kube.resources import CILIUM_POLICIES
from practice import ControlPlane

Make = Callable[..., dict[str, Any]]


def witness(kubectl: DynamicClient, policy: dict[str, Any]) -> dict[str, Any]:
    """The object as the official client sees it."""
    api = kubectl.resources.get(api_version=policy["apiVersion"], kind=policy["kind"])
    found: dict[str, Any] = api.get(
        name=policy["metadata"]["name"], namespace=policy["metadata"].get("namespace")
    ).to_dict()
    return found


def meddle(
    kubectl: DynamicClient, policy: dict[str, Any], patch: dict[str, Any], *, manager: str = "kubectl-edit"
) -> None:
    api = kubectl.resources.get(api_version=policy["apiVersion"], kind=policy["kind"])
    api.patch(
        body=patch,
        name=policy["metadata"]["name"],
        namespace=policy["metadata"]["namespace"],
        content_type="application/merge-patch+json",
        field_manager=manager,
    )


def entries(obj: dict[str, Any]) -> set[tuple[str, str]]:
    return {(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]}


def test_a_created_policy_is_stored_as_it_was_meant_and_owned_by_apply(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    desired = network_policy("10.1.0.0/16")

    written = kube.write(desired=desired, live=None)

    stored = witness(kubectl, desired)
    assert stored["spec"] == desired["spec"] == written["spec"]
    assert entries(stored) == {("sallyport", "Apply")}
    assert stored["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]


def test_a_later_write_removes_what_it_no_longer_says(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    first = network_policy("10.1.0.0/16", "10.2.0.0/16", podSelector={"matchLabels": {"app": "web", "tier": "a"}})
    first["metadata"]["annotations"] = {"sallyport.dev/passports": "SP-AAAAA"}
    live = kube.write(desired=first, live=None)

    kube.write(desired=network_policy("10.2.0.0/16", podSelector={"matchLabels": {"app": "web"}}), live=live)

    stored = witness(kubectl, first)
    assert [rule["to"][0]["ipBlock"]["cidr"] for rule in stored["spec"]["egress"]] == ["10.2.0.0/16"]
    assert stored["spec"]["podSelector"] == {"matchLabels": {"app": "web"}}
    assert "annotations" not in stored["metadata"]


def test_a_write_that_changes_nothing_leaves_the_version_alone(kube: KubeClient, network_policy: Make) -> None:
    created = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    # The first apply after a create lets go of the defaults that the create counted as ours.
    live = kube.write(desired=network_policy("10.1.0.0/16"), live=created)

    again = kube.write(desired=network_policy("10.1.0.0/16"), live=live)

    assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]


def test_a_create_never_overwrites(kube: KubeClient, kubectl: DynamicClient, network_policy: Make) -> None:
    kube.write(desired=network_policy("10.1.0.0/16"), live=None)

    with pytest.raises(AlreadyExists):
        kube.write(desired=network_policy("10.9.0.0/16"), live=None)

    stored = witness(kubectl, network_policy())
    assert stored["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"] == "10.1.0.0/16"


@pytest.mark.parametrize("force", [False, True])
def test_a_writer_that_read_too_long_ago_changes_nothing(
    force: bool, kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    old = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    new = kube.write(desired=network_policy("10.2.0.0/16"), live=old)

    with pytest.raises(StaleObject):
        kube.write(desired=network_policy("10.1.0.0/16"), live=old, force=force)

    assert witness(kubectl, new)["metadata"]["resourceVersion"] == new["metadata"]["resourceVersion"]


def test_an_older_generation_is_refused_even_by_a_fresh_reader(kube: KubeClient, network_policy: Make) -> None:
    live = kube.write(desired=network_policy("10.2.0.0/16", generation=7), live=None)

    with pytest.raises(StaleGeneration) as caught:
        kube.write(desired=network_policy("10.1.0.0/16", generation=6), live=live)
    with pytest.raises(StaleGeneration):
        kube.delete(live, generation=6)

    assert caught.value.details == {"live": 7, "ours": 6}
    kube.write(desired=network_policy("10.1.0.0/16", generation=7), live=live)


@pytest.mark.parametrize("exists", [False, True])
def test_of_many_writers_that_read_the_same_exactly_one_writes(
    exists: bool, control_plane: ControlPlane, kubectl: DynamicClient, network_policy: Make
) -> None:
    with control_plane.client() as kube:
        live = kube.write(desired=network_policy("10.0.0.0/16"), live=None) if exists else None
    start = threading.Barrier(8)

    def push(number: int) -> str | None:
        with control_plane.client() as kube:
            kube.version()
            start.wait(20)
            try:
                kube.write(desired=network_policy(f"10.{number + 1}.0.0/16"), live=live)
            except (AlreadyExists, StaleObject):
                return None
            return f"10.{number + 1}.0.0/16"

    with ThreadPoolExecutor(8) as pool:
        winners = [cidr for cidr in pool.map(push, range(8)) if cidr]

    stored = witness(kubectl, network_policy())
    assert [rule["to"][0]["ipBlock"]["cidr"] for rule in stored["spec"]["egress"]] == winners
    assert len(winners) == 1
    assert entries(stored) == {("sallyport", "Apply")}


def test_a_deleted_object_is_not_brought_back_by_a_late_writer(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    live = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    kube.delete(live)

    with pytest.raises(StaleObject):
        kube.write(desired=network_policy("10.2.0.0/16"), live=live)

    assert kube.find(NETWORK_POLICIES, name="sallyport-egress", namespace=live["metadata"]["namespace"]) is None


def test_an_object_recreated_under_the_same_name_is_not_the_one_that_was_read(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    live = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    kube.delete(live)
    other = kube.write(desired=network_policy("10.3.0.0/16"), live=None)

    with pytest.raises(StaleObject):
        kube.write(desired=network_policy("10.2.0.0/16"), live=live)
    with pytest.raises(StaleObject):
        kube.delete(live)

    assert witness(kubectl, other)["metadata"]["uid"] == other["metadata"]["uid"]


def test_a_delete_is_pinned_to_the_version_that_was_read(kube: KubeClient, network_policy: Make) -> None:
    old = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    new = kube.write(desired=network_policy("10.2.0.0/16"), live=old)

    with pytest.raises(StaleObject):
        kube.delete(old)
    kube.delete(new, dry_run=True)
    kube.delete(new)

    with pytest.raises(Missing):
        kube.get(NETWORK_POLICIES, name="sallyport-egress", namespace=new["metadata"]["namespace"])
    with pytest.raises(Missing):
        kube.delete(new)


def test_a_writer_killed_after_its_create_leaves_nothing_that_the_next_apply_cannot_remove(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    desired = network_policy("10.1.0.0/16", podSelector={"matchLabels": {"app": "web", "tier": "a"}})
    with monkeypatch.context() as killed:
        killed.setattr(KubeClient, "own_by_apply", lambda self, live: live)
        created = kube.write(desired=desired, live=None)
    assert has_leftover(created)
    assert entries(witness(kubectl, desired)) == {("sallyport", "Update")}

    kube.write(desired=network_policy("10.1.0.0/16", podSelector={"matchLabels": {"app": "web"}}), live=created)

    stored = witness(kubectl, desired)
    assert stored["spec"]["podSelector"] == {"matchLabels": {"app": "web"}}
    assert entries(stored) == {("sallyport", "Apply")}


def test_putting_a_leftover_right_does_not_open_the_fence(
    kube: KubeClient, network_policy: Make, kubectl: DynamicClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(KubeClient, "own_by_apply", lambda self, live: live)
        created = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    newer = kube.write(desired=network_policy("10.2.0.0/16"), live=created)

    with pytest.raises(StaleObject):
        kube.write(desired=network_policy("10.1.0.0/16"), live=created)

    assert witness(kubectl, newer)["spec"] == newer["spec"]


def test_owning_a_creation_waits_for_others_who_touch_it(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(KubeClient, "own_by_apply", lambda self, live: live)
        created = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    meddle(kubectl, created, {"metadata": {"annotations": {"team": "red"}}})

    owned = kube.own_by_apply(created)

    assert entries(owned) == {("sallyport", "Apply"), ("kubectl-edit", "Update")}
    assert owned["metadata"]["annotations"] == {"team": "red"}


def test_an_object_of_somebody_else_is_never_touched(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    foreign = network_policy("10.5.0.0/16", name="theirs")
    foreign["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    kubectl.resources.get(api_version="networking.k8s.io/v1", kind="NetworkPolicy").create(body=foreign)
    live = kube.get(NETWORK_POLICIES, name="theirs", namespace=foreign["metadata"]["namespace"])

    for force in (False, True):
        with pytest.raises(NotOurs):
            kube.write(desired=network_policy("10.6.0.0/16", name="theirs"), live=live, force=force)
    with pytest.raises(NotOurs):
        kube.delete(live)

    assert witness(kubectl, foreign)["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]


def test_an_edit_by_hand_is_named_in_the_conflict_and_taken_back_by_force(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    desired = network_policy("10.1.0.0/16")
    kube.write(desired=desired, live=None)
    widened = [*copy.deepcopy(desired["spec"]["egress"]), {}]
    meddle(kubectl, desired, {"spec": {"egress": widened}})
    live = kube.get(NETWORK_POLICIES, name="sallyport-egress", namespace=desired["metadata"]["namespace"])

    with pytest.raises(FieldConflict) as caught:
        kube.write(desired=desired, live=live)
    assert [(cause.field, cause.reason) for cause in caught.value.causes] == [(".spec.egress", "FieldManagerConflict")]
    assert "kubectl-edit" in caught.value.causes[0].message

    kube.write(desired=desired, live=live, force=True)
    assert witness(kubectl, desired)["spec"] == desired["spec"]


def test_what_others_put_beside_ours_is_removed_by_force_and_only_there(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    desired = network_policy("10.1.0.0/16")
    kube.write(desired=desired, live=None)
    meddle(kubectl, desired, {"spec": {"podSelector": {"matchLabels": {"nobody": "has-this"}}}})
    meddle(kubectl, desired, {"spec": {"ingress": [{}]}, "metadata": {"labels": {"team": "red"}}}, manager="scripts")
    live = kube.get(NETWORK_POLICIES, name="sallyport-egress", namespace=desired["metadata"]["namespace"])

    written = kube.write(desired=desired, live=live, force=True)

    stored = witness(kubectl, desired)
    assert stored["spec"] == desired["spec"] == written["spec"]
    assert stored["metadata"]["labels"]["team"] == "red"


def test_a_second_spec_beside_ours_in_a_custom_resource_is_removed_by_force(
    kube: KubeClient, kubectl: DynamicClient, kube_namespace: str
) -> None:
    rule = {"endpointSelector": {}, "egress": [{}], "description": "SP-AAAAA"}
    desired = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {
            "name": "sallyport-egress",
            "namespace": kube_namespace,
            "labels": {"app.kubernetes.io/managed-by": "sallyport"},
        },
        "specs": [rule],
    }
    kube.write(desired=desired, live=None)
    meddle(kubectl, desired, {"spec": {"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]}})
    live = kube.get(CILIUM_POLICIES, name="sallyport-egress", namespace=kube_namespace)

    kube.write(desired=desired, live=live, force=True)

    stored = witness(kubectl, desired)
    assert "spec" not in stored
    assert stored["specs"] == [rule]


def test_an_object_that_lost_its_label_is_still_ours_and_one_that_lost_its_manager_too(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    desired = network_policy("10.1.0.0/16")
    kube.write(desired=desired, live=None)
    meddle(kubectl, desired, {"metadata": {"labels": None}})
    without_label = kube.get(NETWORK_POLICIES, name="sallyport-egress", namespace=desired["metadata"]["namespace"])
    assert is_ours(without_label)

    restored = kube.write(desired=desired, live=without_label, force=True)
    assert restored["metadata"]["labels"] == desired["metadata"]["labels"]

    meddle(kubectl, desired, {"metadata": {"managedFields": [{}]}})
    adopted = kube.get(NETWORK_POLICIES, name="sallyport-egress", namespace=desired["metadata"]["namespace"])
    assert is_ours(adopted)
    kube.write(desired=network_policy("10.2.0.0/16"), live=adopted, force=True)
    stored = witness(kubectl, desired)
    assert [rule["to"][0]["ipBlock"]["cidr"] for rule in stored["spec"]["egress"]] == ["10.2.0.0/16"]


def test_an_unknown_field_is_refused_by_name_at_create_and_at_apply(kube: KubeClient, network_policy: Make) -> None:
    wrong = network_policy("10.1.0.0/16")
    wrong["spec"]["egress"][0]["to"][0]["fqdn"] = "api.example.com"

    with pytest.raises(Rejected) as at_create:
        kube.write(desired=wrong, live=None)
    assert [cause.field for cause in at_create.value.causes] == ["spec.egress[0].to[0].fqdn"]

    live = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    with pytest.raises(Rejected) as at_apply:
        kube.write(desired=wrong, live=live)
    assert [cause.field for cause in at_apply.value.causes] == ["spec.egress[0].to[0].fqdn"]


def test_an_invalid_value_is_refused_with_its_field_path(kube: KubeClient, network_policy: Make) -> None:
    with pytest.raises(Rejected) as caught:
        kube.write(desired=network_policy("10.1.2.3/16"), live=None)

    assert [cause.field for cause in caught.value.causes] == ["spec.egress[0].to[0].ipBlock.cidr"]
    assert caught.value.details["status"] == 422

    live = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    with pytest.raises(Rejected):
        kube.write(desired=network_policy("10.1.2.3/16"), live=live)


def test_a_dry_run_answers_like_a_write_and_stores_nothing(kube: KubeClient, network_policy: Make) -> None:
    desired = network_policy("10.1.0.0/16")

    shown = kube.dry_run(desired, live=None)

    assert shown["spec"] == desired["spec"]
    namespace = desired["metadata"]["namespace"]
    assert kube.find(NETWORK_POLICIES, name="sallyport-egress", namespace=namespace) is None
    live = kube.write(desired=desired, live=None)
    assert kube.dry_run(network_policy("10.2.0.0/16"), live=live)["spec"] != desired["spec"]
    assert kube.get(NETWORK_POLICIES, name="sallyport-egress", namespace=namespace)["spec"] == desired["spec"]
    with pytest.raises(Rejected):
        kube.dry_run(network_policy("10.1.2.3/16"), live=live)


def test_the_author_of_a_change_can_be_named(kube: KubeClient, kubectl: DynamicClient, network_policy: Make) -> None:
    desired = network_policy("10.1.0.0/16")
    live = kube.write(desired=desired, live=None)
    assert last_foreign_change(live) is None

    meddle(kubectl, desired, {"spec": {"egress": [{}]}}, manager="jane-laptop")
    live = kube.get(NETWORK_POLICIES, name="sallyport-egress", namespace=desired["metadata"]["namespace"])

    change = last_foreign_change(live)
    assert change is not None
    assert (change.manager, change.operation) == ("jane-laptop", "Update")
    assert change.at is not None
    assert change == last_change(live)
    assert managers_of(live, path=("spec", "egress")) == ("jane-laptop",)
    assert managers_of(live, path=("spec", "policyTypes")) == ("sallyport",)


def test_a_namespace_that_goes_away_takes_no_policy(
    kube: KubeClient, admin: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    desired = network_policy("10.1.0.0/16")
    kubectl.resources.get(api_version="v1", kind="Namespace").delete(name=desired["metadata"]["namespace"])

    with pytest.raises(Exception, match="terminated") as caught:
        kube.write(desired=desired, live=None)

    assert getattr(caught.value, "code", "") == "namespace_terminating"


def test_an_admission_policy_that_denies_is_told_as_a_rejection(
    kube: KubeClient, admin: KubeClient, network_policy: Make
) -> None:
    namespace = network_policy()["metadata"]["namespace"]
    api = "admissionregistration.k8s.io/v1"
    constraints = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "resourceRules": [
            {
                "apiGroups": ["networking.k8s.io"],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["networkpolicies"],
            }
        ],
    }
    policy: dict[str, Any] = {
        "apiVersion": api,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "matchConstraints": constraints,
            "validations": [{"expression": "has(object.metadata.annotations)", "message": "a ticket is needed"}],
        },
    }
    binding: dict[str, Any] = {
        "apiVersion": api,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"]},
    }
    made = [admin.create(policy), admin.create(binding)]
    try:
        assert "a ticket is needed" in denial(kube, network_policy("10.1.0.0/16"))
    finally:
        for obj in made:
            admin.delete(admin.get(admin.resource_for(api_version=api, kind=obj["kind"]), name=namespace))


def denial(kube: KubeClient, policy: dict[str, Any]) -> str:
    """What the cluster says against ``policy``; a new admission policy needs a moment until it counts."""
    over_at = time.monotonic() + 20
    while time.monotonic() < over_at:
        try:
            kube.dry_run(policy, live=None)
        except Rejected as error:
            return error.message
        time.sleep(0.2)
    return ""


def test_the_official_client_meets_our_fence_too(
    kube: KubeClient, kubectl: DynamicClient, network_policy: Make
) -> None:
    desired = network_policy("10.1.0.0/16")
    kube.write(desired=desired, live=None)
    api = kubectl.resources.get(api_version="networking.k8s.io/v1", kind="NetworkPolicy")

    with pytest.raises(ConflictError):
        api.server_side_apply(body=network_policy("10.2.0.0/16"), field_manager="argocd")
