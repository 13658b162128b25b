"""A little of everything, so that no page is empty: made through the REST API, as a program of the teams would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.journeys.fleet import CLUSTERS, NAMESPACES, Fleet
from tests.journeys.flowlines import as_body, flow
from tests.journeys.product import Api, Product

NAMESPACE = "shop"
RISKY = "**.example-cdn.net"
# The campaign of this quarter where it is open; where it was closed already, the next quarter's.
OPEN_CAMPAIGN = """
from datetime import timedelta
from audits.services import ensure_campaign
campaign = ensure_campaign()
if campaign.state == "closed":
    from audits.quarters import end_of_quarter
    from django.utils import timezone
    campaign = ensure_campaign(at=end_of_quarter(timezone.now()) + timedelta(days=1))
print("QUARTER " + campaign.quarter)
"""


@dataclass
class Furnished:
    """What the addresses of pages are made from."""

    product: Product
    places: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.places)


def furnish(product: Product, fleet: Fleet) -> Furnished:
    """Clusters, requests in many states, an entry in production, one waiting for proof, a difference, flows."""
    register(product, fleet)
    lead = product.api("leo")
    entry = put_in_production(product, "images.example-cdn.net")
    waiting = approve(product, ask(lead, "fonts.example-cdn.net"))
    in_review = ask(lead, RISKY)
    draft = ask(lead, "draft.example-cdn.net", submit=False)
    rejected = reject(product, ask(lead, "rejected.example-cdn.net"))
    returned = send_back(product, ask(lead, "returned.example-cdn.net"))
    source = send_flows(product)
    places = {
        "entry": entry["entry"],
        "waiting": rollout_of(product, waiting["entry"], "awaiting-proof")["id"],
        "complete": rollout_of(product, entry["entry"], "complete")["id"],
        "in_review": str(in_review["number"]),
        "approved": str(entry["number"]),
        "draft": str(draft["number"]),
        "rejected": str(rejected["number"]),
        "returned": str(returned["number"]),
        "drift": make_drift(product, fleet),
        "quarter": open_campaign(product),
        "source": source,
        "person": product.api("ada").get("people/", text="leo@")["results"][0]["id"],
        "contact": product.api("pia").get("clusters/dev-1/contacts/")["results"][0]["id"],
        "sequence": "1",
    }
    return Furnished(product, places)


def register(product: Product, fleet: Fleet) -> None:
    """The whole fleet, where an earlier journey has not registered it."""
    pia = product.api("pia")
    known = {one["name"] for one in pia.get("clusters/")["results"]}
    for one in CLUSTERS:
        if one.name not in known:
            body = {"name": one.name, "environment": one.environment, "owner_team": "platform"}
            pia.post("clusters/", {**body, "labels": {}, "kubeconfig": fleet.planes[one.name].kubeconfig()})
    for one in CLUSTERS:
        for name, (team, _workloads) in NAMESPACES.items():
            assign(product, cluster=one.name, namespace=name, team=team)


def assign(product: Product, *, cluster: str, namespace: str, team: str) -> None:
    pia = product.api("pia")

    def found() -> list[dict[str, Any]]:
        results = pia.get("namespaces/", cluster=cluster, text=namespace)["results"]
        return [one for one in results if one["name"] == namespace]

    row = product.until(found, f"the inventory of {cluster}", seconds=120)[0]
    pia.put(f"namespaces/{row['id']}/team/", {"team": team})


def ask(lead: Api, destination: str, *, submit: bool = True) -> dict[str, Any]:
    fields = {
        "team": "storefront",
        "destination": destination,
        "ports": "443/tcp",
        "namespaces": [NAMESPACE],
        "justification": "Product images are resized and delivered from there.",
        "expires_at": (datetime.now(UTC) + timedelta(days=250)).date().isoformat(),
        "submit": submit,
    }
    made: dict[str, Any] = lead.post("requests/", fields)
    return made


def approve(product: Product, asked: dict[str, Any]) -> dict[str, Any]:
    for handle in ("rita", "remy", "pia"):
        asked = product.api(handle).get(f"requests/{asked['number']}/")
        if asked["state"] == "in-review":
            read = {"revision": asked["revision"], "effect_hash": asked["effect_hash"]}
            product.api(handle).post(f"requests/{asked['number']}/approve/", read, expect=(200, 403, 409))
    approved: dict[str, Any] = product.api("rita").get(f"requests/{asked['number']}/")
    assert approved["state"] == "approved", approved
    return approved


def reject(product: Product, asked: dict[str, Any]) -> dict[str, Any]:
    said = {"comment": "A test host is enough for this.", "cited_rule": "every-request"}
    product.api("rita").post(f"requests/{asked['number']}/reject/", {**said, "revision": asked["revision"]})
    return asked


def send_back(product: Product, asked: dict[str, Any]) -> dict[str, Any]:
    said = {"comment": "Which team answers for it?", "revision": asked["revision"]}
    product.api("rita").post(f"requests/{asked['number']}/request-changes/", said)
    return asked


def put_in_production(product: Product, destination: str) -> dict[str, Any]:
    approved = approve(product, ask(product.api("leo"), destination))
    waiting = rollout_of(product, approved["entry"], "awaiting-proof")
    statement = {"statement": "The images appear on the staging shop."}
    product.api("paul").post(f"rollouts/{waiting['id']}/confirm/", statement)
    product.api("pia").post(f"rollouts/{waiting['id']}/promote/")
    rollout_of(product, approved["entry"], "complete")
    return approved


def rollout_of(product: Product, passport: str, state: str) -> dict[str, Any]:
    def reached() -> list[dict[str, Any]]:
        results = product.api("pia").get("rollouts/", page_size=100)["results"]
        return [one for one in results if one["passport"] == passport and one["state"] == state]

    return product.until(reached, f"{passport} to be {state}", seconds=120)[0]


def make_drift(product: Product, fleet: Fleet) -> str:
    """Somebody takes our rule out on one cluster, and the next comparison sees it; returns the finding."""
    with fleet.kubectl("staging-1") as kubectl:
        kubectl.patch("CiliumNetworkPolicy", NAMESPACE, [{"op": "remove", "path": "/specs/1"}])
    product.api("paul").post("comparisons/", {"cluster": "staging-1"})

    def found() -> list[dict[str, Any]]:
        results = product.api("paul").get("drift/", cluster="staging-1", open="true")["results"]
        return [one for one in results if one["namespace"] == NAMESPACE]

    return str(product.until(found, "the difference to be found")[0]["id"])


def send_flows(product: Product) -> str:
    made = product.api("pia").post("flow-sources/", {"cluster": "prod-eu-1", "name": "second exporter"})
    lines = [
        flow("images.example-cdn.net", namespace=NAMESPACE, workload="web"),
        flow("fonts.gstatic.com", namespace=NAMESPACE, workload="web", verdict="DROPPED"),
    ]
    product.deliver(made["secret"], as_body(lines))
    return str(made["id"])


def open_campaign(product: Product) -> str:
    told = product.manage("shell", "-c", OPEN_CAMPAIGN).stdout
    return next(line.split()[1] for line in told.splitlines() if line.startswith("QUARTER "))
