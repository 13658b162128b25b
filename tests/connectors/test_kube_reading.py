"""What a cluster says about itself, on a real kube-apiserver."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.access import access_from_fields
from connectors.addresses import AddressPolicy
from connectors.errors import (
    CredentialRefused,
    Forbidden,
    Missing,
    RefusedAddress,
    Unreachable,
    Untrusted,
    UnusableName,
)
from connectors.http import Limits
from connectors.kube import NAMESPACES, NETWORK_POLICIES, PODS, KubeClient, KubeReader, Resource, discovery, reading
from connectors.kubeconfig import parse_kubeconfig
from policy.compilation import DIALECTS
from practice import ControlPlane, Identity
from tests.connectors.certificates import make_authority
from tests.kubeapi.fixtures import ControlPlanes

LOOPBACK = AddressPolicy(allow_loopback=True)
SECRETS = Resource("", "v1", "secrets", "Secret", namespaced=True)


def test_the_cluster_tells_its_version_readiness_and_identity(kube: KubeClient, control_plane: ControlPlane) -> None:
    assert kube.version().git_version.startswith("v1.")
    assert kube.readiness().is_ready
    with control_plane.client("admin") as admin:
        uid = admin.get(NAMESPACES, name="kube-system")["metadata"]["uid"]
    assert kube.kube_system_uid() == uid


def test_two_clusters_are_told_apart(control_plane: ControlPlane, plain_control_plane: ControlPlane) -> None:
    with control_plane.client() as one, plain_control_plane.client() as other:
        assert one.kube_system_uid() != other.kube_system_uid()


def test_a_plain_cluster_speaks_plain_policy_only(plain_control_plane: ControlPlane) -> None:
    with plain_control_plane.client() as kube:
        assert [dialect.name for dialect in kube.dialects()] == ["networkpolicy"]


def test_cilium_is_found_by_its_kinds(kube: KubeClient) -> None:
    dialects = {dialect.name: dialect for dialect in kube.dialects()}

    assert set(dialects) == {"networkpolicy", "cilium"}
    assert [resource.plural for resource in dialects["cilium"].resources] == [
        "ciliumnetworkpolicies",
        "ciliumclusterwidenetworkpolicies",
    ]


def test_older_servers_are_discovered_by_their_lists(kube: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    aggregated = set(kube.discover())

    monkeypatch.setattr(discovery, "AGGREGATED", "application/json")

    assert set(kube.discover()) == aggregated


def test_every_dialect_is_found_and_colliding_kinds_are_kept_apart(control_planes: ControlPlanes, shared: Path) -> None:
    crds = shared / "crds"
    folders = (
        crds / "calico" / "v1", crds / "calico" / "v3", crds / "antrea", crds / "aws", crds / "ovn-kubernetes",
        crds / "network-policy-api" / "v0.2-experimental", crds / "network-policy-api" / "v0.1.7-experimental",
    )  # fmt: skip
    plane = control_planes("many-dialects", cilium=True, crd_folders=folders)

    with plane.client() as kube:
        dialects = {dialect.name: dialect for dialect in kube.dialects()}
        assert set(dialects) == {
            "networkpolicy", "cilium", "calico", "clusternetworkpolicy", "adminnetworkpolicy", "ovn", "antrea",
            "aws-networkpolicy", "aws-clusternetworkpolicy",
        }  # fmt: skip
        assert set(dialects) <= set(DIALECTS)
        same_kind = {
            kube.resource_for(api_version=version, kind="ClusterNetworkPolicy").path()
            for version in ("policy.networking.k8s.io/v1alpha2", "networking.k8s.aws/v1alpha1", "crd.antrea.io/v1beta1")
        }
        assert len(same_kind) == 3
        assert kube.foreign_policies().unreadable == ()


def test_calico_s_storage_group_counts_only_alone(control_planes: ControlPlanes, shared: Path) -> None:
    plane = control_planes("calico-storage", crd_folders=(shared / "crds" / "calico" / "v1",))

    with plane.client() as kube:
        assert [dialect.name for dialect in kube.dialects()] == ["networkpolicy", "calico-crd"]


def test_a_kind_that_the_cluster_does_not_serve_is_missing(kube: KubeClient) -> None:
    with pytest.raises(Missing):
        kube.resource_for(api_version="networking.k8s.io/v1", kind="EgressFirewall")
    with pytest.raises(Missing):
        kube.resource_for(api_version="k8s.ovn.org/v1", kind="EgressFirewall")


def test_the_oldest_cilium_agent_counts(control_plane: ControlPlane, admin: KubeClient, kube: KubeClient) -> None:
    assert kube.cilium_agent_version() is None
    made = [
        admin.create(agent_pod("cilium-a", "quay.io/cilium/cilium:v1.20.2@sha256:" + "a" * 64)),
        admin.create(agent_pod("cilium-b", "registry.local:5000/cilium:v1.19.0-rc.1")),
        admin.create(agent_pod("cilium-c", "quay.io/cilium/cilium:v1.19.0")),
        admin.create(agent_pod("cilium-d", "quay.io/cilium/cilium:latest")),
    ]
    try:
        assert kube.cilium_agent_version() == "1.19.0-rc.1"
        assert next(d for d in kube.dialects() if d.name == "cilium").agent_version == "1.19.0-rc.1"
    finally:
        for pod in made:
            admin.delete(pod)


def agent_pod(name: str, image: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system", "labels": {"k8s-app": "cilium"}},
        "spec": {"containers": [{"name": "cilium-agent", "image": image}], "terminationGracePeriodSeconds": 0},
    }


def test_namespaces_come_with_labels_and_state(kube: KubeClient, control_plane: ControlPlane) -> None:
    control_plane.create_namespace("labelled", labels={"team": "payments"})

    found = {namespace.name: namespace for namespace in kube.list_namespaces()}

    assert found["labelled"].labels["team"] == "payments"
    assert not found["labelled"].is_terminating
    assert found["labelled"].created_at is not None
    assert found["kube-system"].uid == kube.kube_system_uid()


def test_a_listing_over_many_pages_is_complete(
    kube: KubeClient, network_policy: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {f"p{number}" for number in range(7)}
    for name in names:
        kube.create(network_policy("10.0.0.0/8", name=name))
    monkeypatch.setattr(reading, "_PAGE", 3)
    namespace = network_policy()["metadata"]["namespace"]

    listed = kube.list_objects(NETWORK_POLICIES, namespace=namespace)
    light = kube.list_objects(NETWORK_POLICIES, namespace=namespace, metadata_only=True)
    chosen = kube.list_objects(
        NETWORK_POLICIES, namespace=namespace, label_selector="app.kubernetes.io/managed-by=sallyport"
    )

    assert {item["metadata"]["name"] for item in listed.items} == names
    assert {item["kind"] for item in listed.items} == {"NetworkPolicy"}
    assert {item["metadata"]["name"] for item in light.items} == names
    assert all("spec" not in item for item in light.items)
    assert len(chosen.items) == 7
    assert int(listed.resource_version) > 0
    assert kube.list_objects(NETWORK_POLICIES, namespace=namespace, label_selector="app=none").items == ()


def test_workloads_are_counted_without_reading_them(kube: KubeClient, admin: KubeClient, kube_namespace: str) -> None:
    for number in range(3):
        admin.create(deployment(kube_namespace, f"web-{number}"))

    counts = kube.count_workloads(namespace=kube_namespace)

    assert counts.by_plural["deployments"] == 3
    assert counts.by_plural["pods"] == 0
    assert counts.total == 3


def deployment(namespace: str, name: str) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}},
        },
    }


def test_other_people_s_egress_policies_are_found_and_ours_are_not(
    kube: KubeClient, admin: KubeClient, network_policy: Callable[..., dict[str, Any]]
) -> None:
    theirs = network_policy("10.0.0.0/8", name="theirs")
    ingress_only = network_policy(name="ingress-only", policyTypes=["Ingress"])
    helm = {**theirs["metadata"], "labels": {}}
    ours = kube.write(desired=network_policy("10.1.0.0/16"), live=None)
    with_other_hands = admin._transport  # written as another manager than ours
    for body in ({**theirs, "metadata": helm}, {**ingress_only, "metadata": {**helm, "name": "ingress-only"}}):
        with_other_hands.call(
            "POST",
            NETWORK_POLICIES.path(namespace=helm["namespace"]),
            query={"fieldManager": "helm"},
            body=body,
        )

    found = [one for one in kube.foreign_policies().found if one.namespace == ours["metadata"]["namespace"]]

    assert [(one.name, one.manager, one.resource) for one in found] == [("theirs", "helm", NETWORK_POLICIES)]


def test_the_registered_identity_may_not_look_at_secrets(kube: KubeClient) -> None:
    with pytest.raises(Forbidden) as caught:
        kube.list_objects(SECRETS)

    assert caught.value.details["status"] == 403
    with pytest.raises(Forbidden):
        kube.count_objects(SECRETS)


def test_what_we_may_not_list_is_named_and_not_taken_for_nothing(
    control_plane: ControlPlane, control_planes: ControlPlanes
) -> None:
    plane = control_planes("narrow")
    with plane.client("admin") as admin:
        role = admin.get(ROLES, name="sallyport")
        narrowed = [rule for rule in role["rules"] if rule["apiGroups"] != ["networking.k8s.io"]]
        admin._transport.call("PUT", ROLES.path(name="sallyport"), body={**role, "rules": narrowed})

    with plane.client() as kube:
        policies = kube.foreign_policies()
        assert policies.unreadable == (NETWORK_POLICIES,)


ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)


def test_a_wrong_token_is_told_from_missing_rights(control_plane: ControlPlane) -> None:
    access = access_from_fields(server=control_plane.server, ca_pem=control_plane.ca_pem, token="wrong-token-canary")

    with KubeReader(access=access, address_policy=LOOPBACK) as kube, pytest.raises(CredentialRefused) as caught:
        kube.list_namespaces()

    assert "wrong-token-canary" not in repr(caught.value)


def test_a_client_certificate_is_as_good_as_a_token(control_plane: ControlPlane) -> None:
    access = control_plane.certificate_access(Identity("sallyport"))

    with KubeReader(access=access, address_policy=LOOPBACK) as kube:
        assert kube.kube_system_uid()
        with pytest.raises(Forbidden):
            kube.list_objects(SECRETS)


def test_a_client_certificate_leaves_no_file_behind(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    access = control_plane.certificate_access(Identity("sallyport"))

    with KubeReader(access=access, address_policy=LOOPBACK) as kube:
        assert kube.kube_system_uid()

    assert list(tmp_path.iterdir()) == []


def test_the_kubeconfig_of_a_practice_cluster_is_one_that_we_accept(control_plane: ControlPlane) -> None:
    access = parse_kubeconfig(control_plane.kubeconfig())

    assert access == control_plane.access()


def test_a_server_signed_by_somebody_else_hears_nothing(control_plane: ControlPlane) -> None:
    access = access_from_fields(
        server=control_plane.server, ca_pem=make_authority().certificate_pem, token=control_plane.admin_token
    )

    with KubeReader(access=access, address_policy=LOOPBACK) as kube, pytest.raises(Untrusted):
        kube.version()


def test_loopback_is_out_of_reach_without_the_setting(control_plane: ControlPlane) -> None:
    reader = KubeReader(access=control_plane.access(), address_policy=AddressPolicy())

    with reader as kube, pytest.raises(RefusedAddress):
        kube.version()


@pytest.fixture
def stopped_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_a_server_that_is_down_is_unreachable(control_plane: ControlPlane, stopped_port: int) -> None:
    access = access_from_fields(server=f"https://127.0.0.1:{stopped_port}", ca_pem=control_plane.ca_pem, token="t")

    reader = KubeReader(access=access, address_policy=LOOPBACK, limits=Limits(connect=1))

    with reader as kube, pytest.raises(Unreachable, match="refused"):
        kube.version()


def test_names_cannot_leave_their_place_in_a_path(kube: KubeClient) -> None:
    for name in ("../secrets", "a/b", "a?b=c", "a%2fb", "a#b", "a b", "a\nb", "ä", "", ".", ".."):
        with pytest.raises(UnusableName):
            kube.get(PODS, namespace="default", name=name)
        with pytest.raises(UnusableName):
            kube.get(PODS, namespace=name, name="x")
