"""A real API server with the real CRDs takes every object we compile, and gives back what we wrote."""

import shutil
from pathlib import Path

import pytest

from policy.compilation import compile_cluster
from practice import ADMIN, ControlPlane
from tests.kubeapi.fixtures import ControlPlanes
from tests.policy.compilers.cases import GUARDED, POINTS
from tests.policy.compilers.test_golden import compiled

# One file for each kind that we write; kinds that share a name come in one version only.
CRDS = (
    "antrea/networkpolicy.yaml",
    "aws/applicationnetworkpolicies.yaml",
    "aws/clusternetworkpolicies.yaml",
    "calico/v3/projectcalico.org_globalnetworkpolicies.yaml",
    "calico/v3/projectcalico.org_networkpolicies.yaml",
    "calico/v3/projectcalico.org_networksets.yaml",
    "calico/v3/projectcalico.org_stagedglobalnetworkpolicies.yaml",
    "calico/v3/projectcalico.org_stagednetworkpolicies.yaml",
    "calico/v3/projectcalico.org_tiers.yaml",
    "gke/fqdnnetworkpolicies.v1alpha1.yaml",
    "istio/serviceentries.yaml",
    "istio/sidecars.yaml",
    "network-policy-api/v0.1.7-experimental/adminnetworkpolicies.yaml",
    "network-policy-api/v0.2-experimental/clusternetworkpolicies.yaml",
    "ovn-kubernetes/egressfirewalls.yaml",
)
# Names in policies are a matter of the Enterprise edition, whose kinds are not public.
NOT_SERVED = {"calico-enterprise"}


def kubernetes_objects(point: str):
    guardrails = compile_cluster(capabilities=POINTS[point], template=GUARDED).objects
    objects = [*compiled(point).objects, *guardrails]
    return [item for item in objects if not item["apiVersion"].startswith("sallyport.dev")]


@pytest.fixture(scope="module")
def targets(control_planes: ControlPlanes, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    folder = tmp_path_factory.mktemp("crds")
    for number, name in enumerate(CRDS):
        shutil.copy(shared / "crds" / name, folder / f"{number:02d}.yaml")
    plane = control_planes("targets", cilium=True, crd_folders=(folder,))
    plane.create_namespace("shop")
    return plane


@pytest.mark.kube
@pytest.mark.parametrize("point", [point for point in POINTS if point not in NOT_SERVED and kubernetes_objects(point)])
def test_the_server_takes_every_object_unchanged(targets, point):
    with targets.client(ADMIN.user) as client:
        for item in kubernetes_objects(point):
            answer = client.create(item, dry_run=True)

            content = {key: value for key, value in answer.items() if key not in ("metadata", "status")}
            assert content == {key: value for key, value in item.items() if key != "metadata"}
            assert {key: answer["metadata"][key] for key in item["metadata"]} == item["metadata"]
