"""The main job, end to end, through the REST API, on real services, workers and API servers.

Each step is read back with the official Kubernetes client, which shares no code with the product.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from practice import ControlPlane
from tests.journeys.product import Api, Product
from tests.kubeapi.reading import EVERYWHERE, Reader

pytestmark = [pytest.mark.xdist_group("api-walk"), pytest.mark.kube, pytest.mark.celery, pytest.mark.timeout(600)]

STAGES = {"dev-1": "development", "staging-1": "staging", "prod-eu-1": "production", "prod-edge-1": "production"}
NON_PRODUCTION, CILIUM_PRODUCTION, PLAIN = ("dev-1", "staging-1"), "prod-eu-1", "prod-edge-1"
CILIUM = (*NON_PRODUCTION, CILIUM_PRODUCTION)
NAME, NETWORK = "api.stripe.com", "203.0.113.0/24"


@pytest.fixture(scope="module")
def fleet(control_planes) -> dict[str, ControlPlane]:
    planes = {name: control_planes(name, cilium=name != PLAIN) for name in STAGES}
    for plane in planes.values():
        plane.create_namespace("checkout", labels={"line": "retail"})
        plane.create_namespace("shop")
    return planes


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Iterator[Product]:
    running = Product(tmp_path_factory.mktemp("api-walk"))
    try:
        running.start()
        running.make_cast()
        yield running
    finally:
        running.stop()


class Walk:
    """The people at their APIs, and the clusters as an outsider reads them."""

    def __init__(self, product: Product, fleet: dict[str, ControlPlane]) -> None:
        self.product, self.fleet = product, fleet
        self.lena, self.leo = product.api("lena"), product.api("leo")
        self.rita, self.remy = product.api("rita"), product.api("remy")
        self.pia, self.paul = product.api("pia"), product.api("paul")
        self.amos = product.api("amos")
        self.readers = {name: Reader(plane) for name, plane in fleet.items()}

    def rules_of(self, cluster: str, namespace: str = "checkout") -> str:
        """Everything of ours that lies in the namespace, as text to look for names and networks in."""
        return json.dumps(self.readers[cluster].ours(namespace))

    def rollout_of(self, request_number: int, who: Api) -> dict[str, Any]:
        asked = who.get(f"requests/{request_number}/")
        found = [
            one
            for one in who.get("rollouts/", page_size=200)["results"]
            if one["effect_hash"] == asked["effect_hash"] and (asked["entry"] in (None, one["passport"]))
        ]
        return found[0] if found else {}

    def until_state(self, request_number: int, state: str) -> dict[str, Any]:
        def reached() -> dict[str, Any]:
            rollout = self.rollout_of(request_number, self.pia)
            return rollout if rollout.get("state") == state else {}

        return self.product.until(reached, f"the rollout of REQ-{request_number} to be {state}", seconds=60)

    def approve(self, number: int) -> dict[str, Any]:
        """Let reviewers approve until nothing is missing."""
        for reviewer in (self.rita, self.remy):
            asked = reviewer.get(f"requests/{number}/")
            if asked["state"] == "in-review":
                body = {"revision": asked["revision"], "effect_hash": asked["effect_hash"], "comment": "Known vendor."}
                reviewer.post(f"requests/{number}/approve/", body)
        return self.rita.get(f"requests/{number}/")

    def carry_to_production(self, number: int) -> dict[str, Any]:
        rollout = self.until_state(number, "awaiting-proof")
        self.paul.post(f"rollouts/{rollout['id']}/confirm/", {"statement": "Seen working in staging."})
        self.pia.post(f"rollouts/{rollout['id']}/promote/")
        return self.until_state(number, "complete")


@pytest.fixture(scope="module")
def walk(product: Product, fleet: dict[str, ControlPlane]) -> Walk:
    return Walk(product, fleet)


def test_the_whole_life_of_a_change(walk: Walk) -> None:
    clusters_join(walk)
    namespaces_get_their_team(walk)
    bad_input_is_told_by_field(walk)
    number = a_lead_asks(walk)
    a_reviewer_sees_what_it_does(walk, number)
    four_eyes_hold(walk, number)
    an_edit_voids_the_approval(walk, number)
    assert walk.approve(number)["state"] == "approved"
    non_production_comes_first(walk, number)
    promotion_needs_the_proof(walk, number)
    passport = production_carries_it(walk, number)
    the_plain_cluster_takes_a_network_and_never_a_name(walk)
    explained(walk, passport, "allowed")
    drift_is_seen_and_reverted(walk)
    its_use_is_seen(walk, passport)
    the_campaign_decides_that_it_goes(walk, passport)
    it_is_gone_everywhere(walk, passport)
    explained(walk, passport, "denied")
    its_story_is_whole(walk, passport)
    nothing_was_published_twice(walk)
    the_ledger_is_whole(walk)


def clusters_join(walk: Walk) -> None:
    for name, environment in STAGES.items():
        registration = {
            "name": name,
            "environment": environment,
            "owner_team": "platform",
            "kubeconfig": walk.fleet[name].kubeconfig(),
            "labels": {"region": "eu"},
        }
        walk.leo.post("clusters/", registration, expect=403)
        walk.pia.post("clusters/", registration, expect=201)

    def connected() -> bool:
        listed = walk.pia.get("clusters/")["results"]
        return len(listed) == len(STAGES) and all(one["state"] == "connected" for one in listed)

    walk.product.until(connected, "all clusters to be connected", seconds=60)
    for name in STAGES:
        walk.pia.post(f"clusters/{name}/contacts/", {"kind": "inventory"}, expect=(200, 202, 409))
    walk.product.until(
        lambda: all(walk.pia.get(f"clusters/{name}/")["namespace_count"] for name in STAGES), "the inventories"
    )
    dialects = {
        name: [point["dialect"] for point in walk.pia.get(f"clusters/{name}/")["enforcement_points"]] for name in STAGES
    }
    assert dialects == {name: ["networkpolicy" if name == PLAIN else "cilium"] for name in STAGES}
    assert walk.fleet["dev-1"].sallyport_token not in json.dumps(walk.pia.get("clusters/"))


def namespaces_get_their_team(walk: Walk) -> None:
    for namespace in walk.pia.get("namespaces/", page_size=200)["results"]:
        team = {"checkout": "payments", "shop": "storefront"}.get(namespace["name"])
        if team:
            walk.pia._call("PUT", f"namespaces/{namespace['id']}/team/", expect=200, json={"team": team})
    seen = {one["name"] for one in walk.lena.get("namespaces/", page_size=200)["results"]}
    assert seen == {"checkout"}


def bad_input_is_told_by_field(walk: Walk) -> None:
    refused = walk.lena.post(
        "requests/",
        {"team": "payments", "destination": "API.Stripe.com.", "ports": "70000", "namespaces": ["checkout"],
         "justification": "too short", "expires_at": "2020-01-01"},
        expect=(400, 422),
    )  # fmt: skip
    assert set(refused) == {"code", "message", "details"}
    assert {"destination", "ports", "expires_at"} <= set(refused["details"]["fields"])
    assert NAME in json.dumps(refused["details"])


def a_lead_asks(walk: Walk) -> int:
    body = wish(NAME, workload={"app": "api"})
    asked = walk.lena.post("requests/", body, expect=201, key="journey-1")
    again = walk.lena.post("requests/", body, expect=(200, 201), key="journey-1")
    assert again["number"] == asked["number"]
    assert asked["state"] == "in-review"
    walk.leo.get(f"requests/{asked['number']}/", expect=404)
    return int(asked["number"])


def a_reviewer_sees_what_it_does(walk: Walk, number: int) -> None:
    asked = walk.rita.get(f"requests/{number}/")
    assert asked["risk"]["findings"]
    assert asked["needs"][0]["role"] == "security-reviewer"
    assert NAME in json.dumps(asked["effect"])
    assert "impossible" in json.dumps(asked["effect"])  # the plain cluster, said before anybody approves


def four_eyes_hold(walk: Walk, number: int) -> None:
    asked = walk.lena.get(f"requests/{number}/")
    body = {"revision": asked["revision"], "effect_hash": asked["effect_hash"]}
    refused = walk.lena.post(f"requests/{number}/approve/", body, expect=403)
    assert refused["code"]


def an_edit_voids_the_approval(walk: Walk, number: int) -> None:
    before = walk.rita.get(f"requests/{number}/")
    walk.lena.patch(f"requests/{number}/", {"revision": before["revision"], "ports": "443/tcp, 8443/tcp"})
    stale = {"revision": before["revision"], "effect_hash": before["effect_hash"]}
    walk.rita.post(f"requests/{number}/approve/", stale, expect=409)
    after = walk.rita.get(f"requests/{number}/")
    assert after["effect_hash"] != before["effect_hash"]


def non_production_comes_first(walk: Walk, number: int) -> None:
    walk.until_state(number, "awaiting-proof")
    for name in NON_PRODUCTION:
        (policy,) = walk.readers[name].ours("checkout")
        assert policy["kind"] == "CiliumNetworkPolicy"
        specs = policy["specs"]
        assert [spec["egress"] for spec in specs if spec["description"].endswith(f" {NAME}")] == [
            [
                {
                    "toFQDNs": [{"matchName": NAME}],
                    "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}, {"port": "8443", "protocol": "TCP"}]}],
                }
            ]
        ]
        assert specs[0]["enableDefaultDeny"]["egress"] is True
    for name in (CILIUM_PRODUCTION, PLAIN):
        assert walk.readers[name].ours("checkout") == []


def promotion_needs_the_proof(walk: Walk, number: int) -> None:
    rollout = walk.rollout_of(number, walk.pia)
    walk.pia.post(f"rollouts/{rollout['id']}/promote/", expect=(409, 422))
    walk.lena.post(f"rollouts/{rollout['id']}/confirm/", {"statement": "I asked for it myself."}, expect=403)
    walk.paul.post(f"rollouts/{rollout['id']}/confirm/", {"statement": "Paid a test order in staging."})
    walk.lena.post(f"rollouts/{rollout['id']}/promote/", expect=403)


def production_carries_it(walk: Walk, number: int) -> str:
    rollout = walk.rollout_of(number, walk.pia)
    walk.pia.post(f"rollouts/{rollout['id']}/promote/")
    walk.until_state(number, "complete")
    assert f'"{NAME}"' in walk.rules_of(CILIUM_PRODUCTION)
    (policy,) = walk.readers[PLAIN].ours("checkout")
    assert policy["spec"]["policyTypes"] == ["Egress"]
    assert len(policy["spec"]["egress"]) == 1  # DNS and nothing else: the name cannot be said there
    targets = walk.pia.get(f"rollouts/{rollout['id']}/")["targets"]
    assert {(one["cluster"], one["state"]) for one in targets} == {
        *((name, "verified") for name in CILIUM),
        (PLAIN, "impossible"),
    }
    return str(rollout["passport"])


def the_plain_cluster_takes_a_network_and_never_a_name(walk: Walk) -> None:
    number = walk.lena.post("requests/", wish(NETWORK, ports="8443/tcp"), expect=201)["number"]
    walk.approve(number)
    walk.product.wipe_broker()  # the wake-up is lost; the row is not
    rollout = walk.until_state(number, "awaiting-proof")
    walk.paul.post(f"rollouts/{rollout['id']}/confirm/", {"statement": "The bank took a test file."})
    walk.pia.post(f"rollouts/{rollout['id']}/promote/")
    walk.product.kill_pusher()
    walk.product.wipe_broker()
    walk.until_state(number, "complete")
    for name in STAGES:
        assert NETWORK in walk.rules_of(name)
    assert NAME not in walk.rules_of(PLAIN)


def nothing_was_published_twice(walk: Walk) -> None:
    """Through kills and lost messages, each generation of each namespace stands in the ledger once."""
    published = walk.amos.get("ledger/", action="bundle.published", page_size=200)["results"]
    subjects = [one["subject_id"] for one in published]
    assert len(subjects) >= 8
    assert len(subjects) == len(set(subjects))


def explained(walk: Walk, passport: str, verdict: str) -> None:
    question = {"cluster": CILIUM_PRODUCTION, "namespace": "checkout", "destination": NAME, "port": 443}
    answer = walk.amos.get("explain/", **question)
    assert answer["verdict"] == verdict
    if verdict == "allowed":
        told = json.dumps(answer)
        assert passport in told
        assert "Rita" in told or "Remy" in told


def drift_is_seen_and_reverted(walk: Walk) -> None:
    reader = walk.readers["dev-1"]
    reader.open_everything("checkout")
    walk.readers["staging-1"].delete_ours("checkout")
    reader.add_foreign("checkout", "by-hand")
    for name in NON_PRODUCTION:
        walk.pia.post("comparisons/", {"cluster": name}, expect=(200, 202))

    def found() -> list[dict[str, Any]]:
        rows = [one for one in walk.pia.get("drift/", page_size=100)["results"] if not one["resolved_at"]]
        return rows if {one["difference"] for one in rows} == {"changed", "missing", "foreign"} else []

    findings = walk.product.until(found, "three differences to be found")
    for finding in findings:
        shown = walk.pia.get(f"drift/{finding['id']}/")
        assert shown["reason"]
        assert {"approved", "published", "live"} <= set(shown)
        if finding["difference"] == "foreign":
            walk.pia.post(f"drift/{finding['id']}/revert/", expect=(403, 409, 422))
        else:
            walk.pia.post(f"drift/{finding['id']}/revert/", expect=(200, 202))

    def is_back() -> bool:
        lying = [walk.rules_of(name) for name in NON_PRODUCTION]
        return all(NAME in rules and EVERYWHERE not in rules for rules in lying)

    walk.product.until(is_back, "the published state to be back")
    assert reader.has("checkout", "by-hand")  # not ours, not touched


def its_use_is_seen(walk: Walk, passport: str) -> None:
    source = walk.pia.post("flow-sources/", {"cluster": CILIUM_PRODUCTION, "name": "hubble"}, expect=201)
    lines = [hubble_line(NAME, "FORWARDED", number) for number in range(5)]
    lines += [hubble_line("api.paypal.com", "DROPPED", number) for number in range(3)]
    for _ in range(2):  # delivered twice, counted once
        sent = httpx.post(
            f"{walk.product.address}/api/v1/flows/ingest/", content="\n".join(lines),
            headers={"Authorization": f"Bearer {source['secret']}", "Content-Type": "application/x-ndjson"}, timeout=30,
        )  # fmt: skip
        assert sent.status_code in (200, 202), sent.text
    usage = walk.lena.get(f"flows/usage/{passport}/")
    assert usage["last_seen_at"]
    assert [(one["workload"], one["flow_count"]) for one in usage["callers"]] == [("api", 5)]
    denied = walk.lena.get("denied-flows/")["results"]
    assert [(one["destination"], one["flow_count"], one["team"]) for one in denied] == [
        ("api.paypal.com", 3, "payments")
    ]
    assert walk.leo.get("denied-flows/")["results"] == []


def the_campaign_decides_that_it_goes(walk: Walk, passport: str) -> None:
    for _ in range(3):  # however often it fires
        walk.product.call_task("audits.tasks.ensure_campaign")
    (campaign,) = walk.product.until(lambda: walk.rita.get("campaigns/")["results"], "the campaign to open")
    rows = walk.rita.get("campaign-rows/", page_size=200)["results"]
    assert len(rows) == 2
    going = next(one for one in rows if one["passport"] == passport)
    assert going["usage"] in {"used", "unknown"}
    walk.leo.post(f"campaign-rows/{going['id']}/decide/", {"decision": "revoke"}, expect=404)
    walk.rita.post(f"campaign-rows/{going['id']}/decide/", {"decision": "revoke", "note": "The provider was replaced."})
    staying = next(one for one in rows if one["passport"] != passport)
    end = (datetime.now(UTC) + timedelta(days=200)).isoformat()
    walk.rita.post(f"campaign-rows/{staying['id']}/decide/", {"decision": "keep", "new_end_at": end, "note": "Needed."})
    walk.rita.post(f"campaigns/{campaign['quarter']}/close/")


def it_is_gone_everywhere(walk: Walk, passport: str) -> None:
    def revocation() -> dict[str, Any]:
        found = [
            one
            for one in walk.remy.get("requests/", page_size=100)["results"]
            if one["kind"] == "revoke" and one["entry"] == passport
        ]
        return found[0] if found else {}

    number = walk.product.until(revocation, "the campaign's request to revoke")["number"]
    asked = walk.remy.get(f"requests/{number}/")
    body = {"revision": asked["revision"], "effect_hash": asked["effect_hash"]}
    walk.rita.post(f"requests/{number}/approve/", body, expect=403)  # it was her decision: another person approves
    walk.remy.post(f"requests/{number}/approve/", body)
    walk.carry_to_production(number)
    for name in STAGES:
        assert NAME not in walk.rules_of(name)
        assert NETWORK in walk.rules_of(name)


def its_story_is_whole(walk: Walk, passport: str) -> None:
    entry = walk.lena.get(f"entries/{passport}/")
    assert entry["passport"] == passport
    revisions = walk.lena.get(f"entries/{passport}/revisions/")["results"]
    assert {one["kind"] for one in revisions} == {"grant", "revocation"}
    actions = {one["action"] for one in walk.amos.get("ledger/", page_size=200)["results"]}
    assert {"request.approved", "rollout.proved", "rollout.promoted", "bundle.published"} <= actions


def the_ledger_is_whole(walk: Walk) -> None:
    assert "unbroken" in walk.product.manage("verify_ledger").stdout


def wish(destination: str, *, ports: str = "443/tcp", workload: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "team": "payments",
        "destination": destination,
        "ports": ports,
        "namespaces": ["checkout"],
        "workload": workload or {},
        "justification": "Card payments go through this provider; nobody can pay without it.",
        "ticket": "https://tickets.example.com/PAY-1",
        "expires_at": (datetime.now(UTC) + timedelta(days=90)).date().isoformat(),
    }


def hubble_line(name: str, verdict: str, number: int) -> str:
    at = datetime.now(UTC) - timedelta(seconds=number)
    flow = {
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
        "verdict": verdict,
        "IP": {"source": "10.0.1.7", "destination": "198.18.0.9", "ipVersion": "IPv4"},
        "l4": {"TCP": {"source_port": 40000 + number, "destination_port": 443, "flags": {"SYN": True}}},
        "source": {
            "cluster_name": "a-name-that-nobody-believes",
            "namespace": "checkout",
            "labels": ["k8s:app=api"],
            "pod_name": "api-1",
            "workloads": [{"name": "api", "kind": "Deployment"}],
        },
        "destination": {"labels": ["reserved:world"]},
        "destination_names": [name],
        "Type": "L3_L4",
        "traffic_direction": "EGRESS",
        "is_reply": False,
        "trace_observation_point": "TO_STACK",
        "event_type": {"type": 4 if verdict == "FORWARDED" else 1},
        **({"drop_reason_desc": "POLICY_DENIED"} if verdict == "DROPPED" else {}),
    }
    return json.dumps({"flow": flow, "node_name": "x/node-1", "time": flow["time"]})


def test_the_folder_of_the_product_holds_no_open_credential(product: Product, fleet: dict[str, ControlPlane]) -> None:
    """A dump of everything on disk that the web process can reach has no cluster token in it."""
    tokens = [plane.sallyport_token.encode() for plane in fleet.values()]
    folder = Path(product.folder)
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size < 256 * 1024 * 1024:
            content = path.read_bytes()
            assert not any(token in content for token in tokens), path
