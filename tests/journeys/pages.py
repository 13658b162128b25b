"""The catalogue of pages: who looks at each, with what in it. A page that is not here fails a test of its own."""

from __future__ import annotations

from dataclasses import dataclass

PAGES_WITHOUT_A_CATALOGUE = {
    # They take a decision and lead back to a page that is listed.
    "sign-in-as", "sign-out", "theme", "set_language", "role-grant", "role-withdraw", "disable", "enable",
    "password-set", "member-set", "member-end", "token-revoke", "read", "read-all", "request-contact", "assign",
    "accept-identity", "revoke-source", "submit", "withdraw", "approve", "reject", "request-changes", "recheck",
    "confirm", "promote", "revert", "accept", "compare", "release", "decide", "close",
    # Answers for programs.
    "live", "ready",
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """One page as one person sees it; the address is filled in from what was furnished."""

    name: str
    who: str
    path: str
    status: int = 200
    note: str = ""
    submits: str = ""

    @property
    def label(self) -> str:
        return f"{self.name}-{self.note}".strip("-").replace(" ", "-")


PAGES = (
    Page("sign-in", "", "/sign-in/"),
    Page("sign-in", "", "/sign-in/", 422, "refused", submits="Sign in"),
    Page("home", "leo", "/", note="lead"),
    Page("home", "rita", "/", note="reviewer"),
    Page("home", "pia", "/", note="platform"),
    Page("home", "amos", "/", note="auditor"),
    Page("allowlist:list", "leo", "/entries/"),
    Page("allowlist:list", "leo", "/entries/?text=nothing-like-it", note="empty"),
    Page("allowlist:entry", "leo", "/entries/{entry}/"),
    Page("governance:list", "rita", "/requests/"),
    Page("governance:list", "amos", "/requests/?turn=mine", note="empty"),
    Page("governance:new", "leo", "/requests/new/"),
    Page("governance:new", "leo", "/requests/new/", 422, "refused", submits="Submit for review"),
    Page("governance:new", "leo", "/requests/new/?kind=modify&entry={entry}", note="change"),
    Page("governance:new", "leo", "/requests/new/?kind=revoke&entry={entry}", note="revoke"),
    Page("governance:request", "rita", "/requests/{in_review}/", note="in review"),
    Page("governance:request", "leo", "/requests/{in_review}/", note="own"),
    Page("governance:request", "leo", "/requests/{approved}/", note="approved"),
    Page("governance:request", "leo", "/requests/{rejected}/", note="rejected"),
    Page("governance:request", "leo", "/requests/{returned}/", note="returned"),
    Page("governance:request", "leo", "/requests/{draft}/", note="draft"),
    Page("governance:edit", "leo", "/requests/{returned}/edit/"),
    Page("rollouts:list", "pia", "/rollouts/"),
    Page("rollouts:list", "pia", "/rollouts/?text=nothing-like-it", note="empty"),
    Page("rollouts:detail", "paul", "/rollouts/{waiting}/", note="waiting for proof"),
    Page("rollouts:detail", "paul", "/rollouts/{waiting}/", 422, "refused", submits="Confirm the proof"),
    Page("rollouts:detail", "leo", "/rollouts/{complete}/", note="complete"),
    Page("rollouts:explain", "amos", "/explain/"),
    Page(
        "rollouts:explain",
        "amos",
        "/explain/?cluster=prod-eu-1&namespace=shop&destination=images.example-cdn.net&port=443&protocol=TCP",
        note="answered",
    ),
    Page("rollouts:explain", "amos", "/explain/?cluster=nowhere&namespace=&port=0", 422, "refused"),
    Page("rollouts:drift", "paul", "/drift/{drift}/"),
    Page("rollouts:drift", "paul", "/drift/{drift}/", 422, "refused", submits="Accept until that day"),
    Page("rollouts:cluster-drift", "paul", "/clusters/staging-1/drift/"),
    Page("rollouts:cluster-drift", "leo", "/clusters/prod-edge-1/drift/", note="calm"),
    Page("clusters:list", "pia", "/clusters/"),
    Page("clusters:list", "pia", "/clusters/?text=nothing-like-it", note="empty"),
    Page("clusters:detail", "pia", "/clusters/dev-1/"),
    Page("clusters:detail", "leo", "/clusters/prod-edge-1/", note="lead"),
    Page("clusters:register", "pia", "/register-cluster/"),
    Page("clusters:register", "pia", "/register-cluster/", 422, "refused", submits="Register and test the connection"),
    Page("clusters:edit", "pia", "/clusters/dev-1/edit/"),
    Page("clusters:credential", "pia", "/clusters/dev-1/credential/"),
    Page("clusters:retire", "pia", "/clusters/dev-1/retire/"),
    Page("flows:denied", "leo", "/denied-flows/"),
    Page("flows:denied", "leo", "/denied-flows/?text=nothing-like-it", note="empty"),
    Page("flows:sources", "pia", "/clusters/prod-eu-1/flow-sources/"),
    Page("flows:sources", "pia", "/clusters/dev-1/flow-sources/", 422, "refused", submits="Make a token"),
    Page("audits:list", "leo", "/campaigns/"),
    Page("audits:campaign", "rita", "/campaigns/{quarter}/"),
    Page("audits:campaign", "rita", "/campaigns/{quarter}/", 422, "refused", submits="Decide"),
    Page("audits:campaign", "lena", "/campaigns/{quarter}/?text=nothing-like-it", note="empty"),
    Page("ledger:list", "amos", "/ledger/"),
    Page("ledger:list", "amos", "/ledger/?action=nothing-like-it", note="empty"),
    Page("ledger:entry", "amos", "/ledger/{sequence}/"),
    Page("notifications:list", "rita", "/notifications/"),
    Page("accounts:people", "ada", "/people/"),
    Page("accounts:person", "ada", "/people/{person}/"),
    Page("accounts:person-new", "ada", "/people/new/"),
    Page("accounts:person-new", "ada", "/people/new/", 422, "refused", submits="Save"),
    Page("accounts:automation-new", "ada", "/people/new-automation/"),
    Page("accounts:password", "leo", "/password/"),
    Page("accounts:teams", "leo", "/teams/"),
    Page("accounts:team", "ada", "/teams/storefront/"),
    Page("accounts:team-new", "ada", "/teams/new/"),
    Page("accounts:team-edit", "ada", "/teams/storefront/edit/"),
    Page("accounts:tokens", "leo", "/tokens/"),
    Page("accounts:tokens", "leo", "/tokens/", 422, "refused", submits="Issue"),
    Page("error", "leo", "/entries/SP-00000/", 404, "missing"),
    Page("error", "leo", "/register-cluster/", 403, "forbidden"),
)
# Fragments that pages take in, and which are judged there.
FRAGMENTS = {"practice", "governance:checks", "rollouts:progress", "clusters:contact"}
