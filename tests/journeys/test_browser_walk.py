"""One change through all of the product, in the browser: asked, approved, proved, promoted, drifted, seen, revoked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browser import WORKERS_MS, Window
from tests.journeys.fleet import CLUSTERS, NAMESPACES, Fleet
from tests.journeys.flowlines import as_body, flow
from tests.journeys.product import Product

NAMESPACE = "checkout"
DESTINATION = "api.stripe.com"
DENIED = "api.paypal.com"
WHY = "Card payments go through this provider; without it nobody can pay."
CILIUM = [one.name for one in CLUSTERS if one.cilium]
NON_PRODUCTION = ["dev-1", "staging-1"]
PRODUCTION = ["prod-eu-1"]
WITHOUT_NAMES = "prod-edge-1"
OUR_OBJECT = "sallyport-egress"
BYPASS = "somebody-elses-hole"
STORY = (
    "request.submitted",
    "request.approved",
    "rollout.proved",
    "rollout.promoted",
    "rollout.complete",
    "campaign.row-decided",
    "campaign.revocation-requested",
)


@dataclass
class Walk:
    """The play: its stage, its people's windows, and what was learned on the way."""

    product: Product
    fleet: Fleet
    browser: Browser
    windows: dict[str, Window] = field(default_factory=dict)
    passport: str = ""
    request: str = ""
    revocation: str = ""

    def as_(self, handle: str) -> Window:
        """The person's window; they sign in on first use and stay signed in."""
        if handle not in self.windows:
            self.windows[handle] = Window(self.browser, self.product.address)
            self.windows[handle].sign_in(handle)
        return self.windows[handle]

    def carried_by(self, clusters: list[str]) -> bool:
        return all(self.fleet.carries(one, NAMESPACE, DESTINATION) for one in clusters)


@pytest.fixture
def walk(product: Product, fleet: Fleet, browser: Browser) -> Iterator[Walk]:
    """The play with an empty stage; every window is closed and must have shown no fault."""
    play = Walk(product, fleet, browser)
    yield play
    for window in play.windows.values():
        window.close()


def test_a_change_is_asked_proved_promoted_watched_and_revoked_in_the_browser(walk: Walk) -> None:
    register_the_fleet(walk)
    assign_the_namespaces(walk)
    explain(walk, cluster="prod-eu-1", word="Not known")
    ask_badly_then_well(walk)
    refuse_the_requester_and_approve(walk)
    prove_in_non_production(walk)
    promote_to_production(walk)
    explain(walk, cluster="prod-eu-1", word="Allowed")
    repair_drift(walk)
    see_flows(walk)
    ask_for_what_was_denied(walk)
    decide_the_campaign(walk)
    approve_the_revocation(walk)
    let_the_revocation_go_through(walk)
    explain(walk, cluster="prod-eu-1", word="Denied")
    read_the_whole_story(walk)
    assert [fault for window in walk.windows.values() for fault in window.faults] == []


# Step by step


def register_the_fleet(walk: Walk) -> None:
    """Three kubeconfigs are pasted, one cluster is described field by field; each tells how its connection went."""
    pia = walk.as_("pia")
    refuse_a_kubeconfig_with_a_program(walk)
    for one in CLUSTERS:
        plane = walk.fleet.planes[one.name]
        pia.open("/register-cluster/")
        pia.fill({"Name": one.name, "Labels": f"region={'edge' if 'edge' in one.name else 'eu'}"})
        pia.select("Environment", one.environment)
        pia.select("Owner", "platform")
        if one.name == "staging-1":
            access = {"Address of the API server": plane.server, "Bearer token": plane.sallyport_token}
            pia.page.get_by_text("Or give the parts one by one").click()
            pia.fill({**access, "Certificate of its authority": plane.ca_pem})
        else:
            pia.fill({"Kubeconfig": plane.kubeconfig()})
        pia.press("Register and test the connection")
        pia.see(one.name, "The cluster is registered")
    for one in CLUSTERS:
        pia.open(f"/clusters/{one.name}/")
        pia.see("Connected", NAMESPACE, patience_ms=WORKERS_MS)


def refuse_a_kubeconfig_with_a_program(walk: Walk) -> None:
    """A pasted program is refused by name, and the rest of the form stays as it was typed."""
    pia = walk.as_("pia")
    text = walk.fleet.planes["dev-1"].kubeconfig()
    hostile = re.sub(r"token: .*", "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh}", text)
    pia.open("/register-cluster/")
    pia.fill({"Name": "dev-1", "Labels": "region=eu", "Kubeconfig": hostile})
    pia.select("Owner", "platform")
    pia.press("Register and test the connection")
    pia.see("exec")
    expect(pia.page.get_by_label("Name", exact=True)).to_have_value("dev-1")
    expect(pia.page.get_by_label("Kubeconfig", exact=True)).to_have_value("")


def assign_the_namespaces(walk: Walk) -> None:
    pia = walk.as_("pia")
    for one in CLUSTERS:
        for namespace, (team, _workloads) in NAMESPACES.items():
            pia.open(f"/clusters/{one.name}/")
            row = pia.row(namespace)
            row.get_by_role("combobox").select_option(team)
            pia.press(f"Assign {namespace}", within=row)
            pia.see(f"{team.title()} now answers for {namespace}.")


def ask_badly_then_well(walk: Walk) -> None:
    """Every fault stands beside its field, nothing typed is lost, and the checks answer while it is typed."""
    lena = walk.as_("lena")
    lena.open("/requests/")
    lena.follow("New request")
    lena.fill({"Destination": "API.Stripe.COM.", "Ports": "0/tcp", "Namespaces": NAMESPACE, "Why": WHY})
    lena.fill({"In force until": "2020-01-01", "Ticket": "PAY-1"})
    lena.press("Submit for review")
    for label, typed in {"Ports": "0/tcp", "In force until": "2020-01-01", "Ticket": "PAY-1", "Why": WHY}.items():
        expect(lena.page.get_by_label(label, exact=True)).to_have_value(typed)
    for label in ("Destination", "Ports", "In force until", "Ticket"):
        expect(lena.page.get_by_label(label, exact=True)).to_have_attribute("aria-invalid", "true")
    lena.press(f"Use {DESTINATION}")
    expect(lena.page.get_by_label("Destination", exact=True)).to_have_value(DESTINATION)
    end = (datetime.now(UTC) + timedelta(days=200)).date().isoformat()
    lena.fill({"Ports": "443/tcp", "In force until": end, "Ticket": "https://tickets.example.com/PAY-1"})
    see_the_checks(lena)
    lena.press("Submit for review")
    lena.see("In review", DESTINATION)
    walk.request = lena.page.url.removeprefix(walk.product.address)


def see_the_checks(lena: Window) -> None:
    """What it matches and what not, the risk, who decides, the policy of each cluster, and where it cannot be had."""
    lena.page.get_by_label("Why", exact=True).press("Tab")
    checks = lena.page.locator("#checks")
    lena.see("What it means", f"www.{DESTINATION}", "Risk", "1 × Security reviewer", within=checks)
    lena.see("kind: CiliumNetworkPolicy", f"matchName: {DESTINATION}", *CILIUM, within=checks)
    lena.see(f"Not enforced on: {WITHOUT_NAMES}/{NAMESPACE}", within=checks)


def refuse_the_requester_and_approve(walk: Walk) -> None:
    lena, rita = walk.as_("lena"), walk.as_("rita")
    lena.open(walk.request)
    lena.see("You asked for this yourself")
    assert not lena.offers("Approve")
    rita.open("/requests/?turn=mine")
    rita.follow(re.compile(r"^R-?\d+|^#\d+|\d+$"), within=rita.row(DESTINATION))
    rita.see(f"matchName: {DESTINATION}", f"Not enforced on: {WITHOUT_NAMES}/{NAMESPACE}", "0/1")
    rita.fill({"Comment": "The vendor is known, the port is the usual one."}, within=rita.page.get_by_label("Approve"))
    rita.press("Approve")
    rita.see("Approved", "1/1")
    walk.passport = rita.main.get_by_role("link", name=re.compile("^SP-")).first.inner_text()


def prove_in_non_production(walk: Walk) -> None:
    """It reaches every non-production cluster and nothing else; then somebody says what they saw."""
    paul = walk.as_("paul")
    open_the_rollout(walk, paul)
    paul.see("Confirm the proof", patience_ms=WORKERS_MS)
    assert walk.carried_by(NON_PRODUCTION)
    assert not any(walk.fleet.objects(one, NAMESPACE) for one in [*PRODUCTION, WITHOUT_NAMES])
    paul.fill({"What did you see working?": "no"})
    paul.press("Confirm the proof")
    paul.see("Say it in words")
    paul.fill({"What did you see working?": "Paid with a test card from staging; the connection opened."})
    paul.press("Confirm the proof")
    paul.see("The proof is recorded", "Confirmed by Paul")


def open_the_rollout(walk: Walk, window: Window) -> None:
    """The newest rollout of the entry, as soon as the worker has made it."""

    def listed() -> bool:
        window.open("/rollouts/")
        return window.row(walk.passport).count() > 0

    walk.product.until(listed, "the rollout to begin")
    window.follow(re.compile(walk.passport), within=window.row(walk.passport).first)


def promote_to_production(walk: Walk) -> None:
    pia = walk.as_("pia")
    open_the_rollout(walk, pia)
    pia.press("Promote to production")
    pia.see("In force everywhere in scope", "Cannot be expressed there", patience_ms=WORKERS_MS)
    assert walk.carried_by(CILIUM)
    assert not walk.fleet.carries(WITHOUT_NAMES, NAMESPACE, DESTINATION)


def explain(walk: Walk, *, cluster: str, word: str) -> None:
    """May it leave, by which entry, whose, why, and by whose approval."""
    amos = walk.as_("amos")
    amos.open("/explain/")
    amos.fill({"Cluster": cluster, "Namespace": NAMESPACE, "Destination": DESTINATION, "Port": "443"})
    amos.press("Explain")
    amos.see(word)
    if word == "Allowed":
        amos.see(walk.passport, "Payments", WHY, "Rita")


def repair_drift(walk: Walk) -> None:
    """One object is changed, one deleted, one added by somebody else; each is found, told apart, and ours come back."""
    with walk.fleet.kubectl("dev-1") as kubectl:
        kubectl.patch("CiliumNetworkPolicy", NAMESPACE, [{"op": "remove", "path": "/specs/1"}])
        kubectl.create(bypass())
    with walk.fleet.kubectl("staging-1") as kubectl:
        kubectl.delete("CiliumNetworkPolicy", NAMESPACE)
    for cluster, differences in {"dev-1": [OUR_OBJECT, BYPASS], "staging-1": [OUR_OBJECT]}.items():
        find_drift(walk, cluster, differences)
        revert_drift(walk, cluster)
    with walk.fleet.kubectl("dev-1") as kubectl:
        assert kubectl.get("CiliumNetworkPolicy", NAMESPACE, BYPASS), "what is not ours is never touched"
        kubectl.delete("CiliumNetworkPolicy", NAMESPACE, BYPASS)


def bypass() -> dict[str, object]:
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": BYPASS, "namespace": NAMESPACE},
        "spec": {"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]},
    }


def find_drift(walk: Walk, cluster: str, names: list[str]) -> None:
    paul = walk.as_("paul")
    paul.open(f"/clusters/{cluster}/drift/")
    paul.press("Compare now")

    def found() -> bool:
        paul.open(f"/clusters/{cluster}/drift/")
        return all(paul.card("Differences").get_by_role("link", name=name).count() for name in names)

    walk.product.until(found, f"the differences on {cluster}")


def revert_drift(walk: Walk, cluster: str) -> None:
    """Approved, published and live stand beside each other; afterwards the cluster carries the entry again."""
    paul = walk.as_("paul")
    paul.follow(re.compile(OUR_OBJECT), within=paul.card("Differences"))
    for side in ("Approved", "Published", "Live"):
        expect(paul.card(side)).to_be_visible()
    paul.see(DESTINATION, within=paul.card("Published"))
    address = paul.page.url
    paul.press("Revert")

    def ended() -> bool:
        paul.open(address)
        return paul.main.get_by_text("Reverted").count() > 0

    walk.product.until(ended, f"the revert on {cluster}")
    assert walk.carried_by([cluster])


def see_flows(walk: Walk) -> None:
    """A token made on the page lets Hubble's lines in; the entry then knows who used it and when."""
    pia, lena = walk.as_("pia"), walk.as_("lena")
    pia.open("/clusters/prod-eu-1/flow-sources/")
    pia.fill({"Name": "hubble"}, within=pia.main)
    pia.press("Make a token")
    secret = pia.page.get_by_label("Token", exact=True).inner_text()
    lines = [flow(DESTINATION, namespace=NAMESPACE, workload="api")] * 3
    lines.append(flow(DENIED, namespace=NAMESPACE, workload="api", verdict="DROPPED"))
    walk.product.deliver(secret, as_body(lines))

    def seen() -> bool:
        lena.open(f"/entries/{walk.passport}/")
        return (
            lena.card("Where it is").get_by_role("row").filter(has_text="prod-eu-1").get_by_text("not yet").count() == 0
        )

    walk.product.until(seen, "the target to be seen in flows")
    lena.see("Used", "prod-eu-1", "api", within=lena.card("Use"))


def ask_for_what_was_denied(walk: Walk) -> None:
    lena = walk.as_("lena")
    lena.open("/denied-flows/")
    lena.follow(re.compile("Request this"), within=lena.row(DENIED))
    filled = {"Destination": DENIED, "Ports": "443/tcp", "Namespaces": NAMESPACE}
    for label, value in filled.items():
        expect(lena.page.get_by_label(label, exact=True)).to_have_value(value)
    lena.fill({"Why": "The second provider was forgotten when the namespace came under default deny."})
    lena.press("Submit for review")
    lena.see("In review", DENIED)
    lena.press("Withdraw")
    lena.see("Withdrawn")


def decide_the_campaign(walk: Walk) -> None:
    """The quarter's campaign opens once, the reviewer lets the entry go, and closing turns that into a request."""
    code = "from audits.services import ensure_campaign; print(ensure_campaign().quarter)"
    quarter = walk.product.manage("shell", "-c", code).stdout.split()[-1]
    assert walk.product.manage("shell", "-c", code).stdout.split()[-1] == quarter
    rita = walk.as_("rita")
    rita.open("/campaigns/")
    rita.follow(quarter)
    row = rita.row(walk.passport)
    rita.see(WHY, "Used", within=row)
    row.get_by_role("checkbox").check()
    rita.page.get_by_label("Revoke", exact=True).check()
    rita.fill({"Why": "The provider was replaced this quarter."})
    rita.press("Decide")
    rita.see("1 entry is decided.")
    rita.press("Close the campaign now")

    def asked() -> bool:
        rita.open(f"/campaigns/{quarter}/")
        return rita.row(walk.passport).get_by_text("asks for its revocation").count() > 0

    walk.product.until(asked, "the campaign to ask for the revocation")
    rita.follow(re.compile(r"\d+$"), within=rita.row(walk.passport).get_by_role("cell").last)
    walk.revocation = rita.page.url.removeprefix(walk.product.address)


def approve_the_revocation(walk: Walk) -> None:
    """Whoever decided in the campaign has asked for it, so somebody else approves."""
    rita, remy = walk.as_("rita"), walk.as_("remy")
    rita.open(walk.revocation)
    assert not rita.offers("Approve")
    remy.open(walk.revocation)
    remy.press("Approve")
    remy.see("Approved")


def let_the_revocation_go_through(walk: Walk) -> None:
    """The same way: gone from non-production first, proved, promoted, then gone everywhere."""
    paul, pia = walk.as_("paul"), walk.as_("pia")
    open_the_rollout(walk, paul)
    paul.see("revocation")
    paul.see("Confirm the proof", patience_ms=WORKERS_MS)
    assert not any(walk.carried_by([one]) for one in NON_PRODUCTION)
    assert walk.carried_by(PRODUCTION)
    paul.fill({"What did you see working?": "Staging went on without it for an hour; nothing was denied."})
    paul.press("Confirm the proof")
    open_the_rollout(walk, pia)
    pia.press("Promote to production")
    pia.see("Gone everywhere in scope", patience_ms=WORKERS_MS)
    for one in CLUSTERS:
        assert not walk.fleet.carries(one.name, NAMESPACE, DESTINATION), one.name
        assert not walk.fleet.carries(one.name, NAMESPACE, walk.passport), one.name


def read_the_whole_story(walk: Walk) -> None:
    """The entry's page still tells everything, the ledger holds it, and its chain proves that nothing was changed."""
    lena, amos = walk.as_("lena"), walk.as_("amos")
    lena.open(f"/entries/{walk.passport}/")
    lena.see("Revoked", "Complete, replaced since", "Gone everywhere in scope", WHY, "Lena", "Rita", "Remy")
    for action in STORY:
        lena.see(action, within=lena.card("What happened"))
    amos.open("/ledger/")
    amos.see("campaign.closed", "drift.reverted", "flow-source.created")
    assert "unbroken" in walk.product.manage("verify_ledger").stdout
