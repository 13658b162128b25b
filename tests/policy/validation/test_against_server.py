"""Our validators against a running API server: nothing that it refuses may pass here."""

import random
import ssl
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import orjson
import pytest

from policy.validation import validate_manifest
from practice import ControlPlane
from tests.kubeapi.fixtures import ControlPlanes
from tests.policy.validation.examples import RICH
from tests.policy.validation.mutations import mutated

# The experimental channel has the fields of the standard one and more; v0.1.1 and the other schema of GKE would clash.
FOLDERS = (
    *("cilium", "calico/v3", "antrea", "aws", "istio", "ovn-kubernetes"),
    *("network-policy-api/v0.1.7-experimental", "network-policy-api/v0.2-experimental"),
)
NAMESPACE = "h-targets"
MUTANTS_OF_EACH = 60


class DryRun:
    """Asks the server what it would say to an object, with strict fields, and stores nothing."""

    def __init__(self, plane: ControlPlane) -> None:
        context = ssl.create_default_context(cadata=plane.ca_pem)
        self._token = plane.admin_token
        self._connection = HTTPSConnection(plane.server.removeprefix("https://"), context=context, timeout=30)

    def post(self, manifest: dict[str, Any], *, is_namespaced: bool) -> str | None:
        """The server's refusal, or None."""
        scope = f"/namespaces/{NAMESPACE}" if is_namespaced else ""
        path = f"/apis/{manifest['apiVersion']}{scope}/{_plural(manifest['kind'])}?dryRun=All&fieldValidation=Strict"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._connection.request("POST", path, orjson.dumps(manifest), headers)
        answer = self._connection.getresponse()
        body = orjson.loads(answer.read())
        assert answer.status in (201, 400, 422), body
        return None if answer.status == 201 else str(body["message"])


def _plural(kind: str) -> str:
    lower = kind.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"


@pytest.fixture(scope="module")
def server(control_planes: ControlPlanes, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> DryRun:
    gke = tmp_path_factory.mktemp("gke")
    name = "fqdnnetworkpolicies.v1alpha1.yaml"
    (gke / name).symlink_to(shared / "crds" / "gke" / name)
    folders = (*(shared / "crds" / folder for folder in FOLDERS), gke)
    plane = control_planes("validation", crd_folders=folders)
    plane.create_namespace(NAMESPACE)
    return DryRun(plane)


@pytest.mark.parametrize("subject", RICH, ids=lambda subject: f"{subject['kind']} {subject['apiVersion']}")
def test_what_the_server_refuses_is_refused_here(server: DryRun, subject: dict[str, Any]) -> None:
    is_namespaced = "namespace" in subject["metadata"]
    chance = random.Random(subject["kind"])
    candidates = [subject, *(mutated(subject, chance) for _ in range(MUTANTS_OF_EACH))]

    refused = [(candidate, server.post(candidate, is_namespaced=is_namespaced)) for candidate in candidates]
    missed = [(message, candidate) for candidate, message in refused if message and not validate_manifest(candidate)]

    assert missed == []
    assert refused[0][1] is None
