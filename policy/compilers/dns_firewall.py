"""Route 53 DNS Firewall: a walled garden of names, then everything else blocked.

It decides which names may be asked for, not which packets may leave: ports and addresses are beyond it, so an entry
with ports is always wider here, and has to be accepted as such. Redirections are trusted, or the answers of every
CDN would be blocked with the names behind them.
"""

from collections.abc import Iterator, Sequence

from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.rendering import (
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    deep_witness,
    impossible,
    is_everything,
    judge_workload,
    metadata,
    settle,
    widened,
    worst,
)
from policy.template import Template

DIALECT = "dns-firewall"
API_VERSION = "sallyport.dev/v1"
MAX_DOMAINS = 100_000
MAX_CHANGES = 1_000
_ALLOW_PRIORITY = 100
_BLOCK_PRIORITY = 9_000


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """The names and patterns of one entry."""
    fidelity = worst(_judge(entry))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [{"domains": _domains(entry.destination)}])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One list of allowed names, one of everything, and the group that allows the first and blocks the second."""
    chosen: list[Rendering] = []
    refused: dict[str, Fidelity] = {}
    domains: set[str] = set()
    for one in (one for one in renderings if one.rules):
        wanted = domains | set(one.rules[0]["domains"])
        if len(wanted) > MAX_DOMAINS:
            refused[one.entry.passport] = impossible(f"A domain list holds {MAX_DOMAINS} names, and is full")
            continue
        domains = wanted
        chosen.append(one)
    needed = len({domain for one in renderings for rule in one.rules for domain in rule["domains"]})
    passports = [one.entry.passport for one in chosen]
    objects = (
        _list(f"{OBJECT_NAME}-allow", sorted(domains), passports, template=template, namespace=namespace),
        _list(f"{OBJECT_NAME}-rest", ["*"], [], template=template, namespace=namespace),
        _group(capabilities=capabilities, template=template, namespace=namespace),
    )
    account = CapacityLine("names of the list", needed, MAX_DOMAINS, f"changed by {MAX_CHANGES} names a request")
    return Assembly(objects, refused=refused, capacity=(account,))


def _judge(entry: PolicyEntry) -> Iterator[Fidelity]:
    destination = entry.destination
    if not destination.is_name:
        yield impossible("DNS Firewall sees names only", destination.canonical)
        return
    if "_" in destination.base:
        yield impossible("DNS Firewall refuses names with an underscore", destination.canonical)
    yield judge_workload(entry, because="DNS Firewall concerns the whole VPC")
    if not is_everything(entry.ports):
        yield widened("Resolving a name is not bound to ports", f"{destination.base} on any port")
    if destination.kind == "one-level":
        yield widened("A wildcard takes any depth, not one label", deep_witness(destination))


def _domains(destination: Destination) -> list[str]:
    wildcard = [f"*.{destination.base}"] if destination.is_wildcard else []
    apex = [destination.base] if destination.kind == "host" or destination.include_apex else []
    return [*wildcard, *apex]


def _list(name: str, domains: list[str], passports: Sequence[str], *, template: Template, namespace: str) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": "DnsFirewallDomainList",
        "metadata": metadata(name=name, namespace=namespace, template=template, passports=passports),
        "spec": {"Domains": domains},
    }


def _group(*, capabilities: Capabilities, template: Template, namespace: str) -> Json:
    last = {"Action": "ALERT"} if capabilities.staged else {"Action": "BLOCK", "BlockResponse": "NXDOMAIN"}
    return {
        "apiVersion": API_VERSION,
        "kind": "DnsFirewallRuleGroup",
        "metadata": metadata(name=OBJECT_NAME, namespace=namespace, template=template),
        "spec": {
            "FirewallFailOpen": "DISABLED",
            "Rules": [
                {
                    "Name": f"{OBJECT_NAME}-allow",
                    "DomainListName": f"{OBJECT_NAME}-allow",
                    "Priority": _ALLOW_PRIORITY,
                    "Action": "ALLOW",
                    "FirewallDomainRedirectionAction": "TRUST_REDIRECTION_DOMAIN",
                },
                {
                    "Name": f"{OBJECT_NAME}-rest",
                    "DomainListName": f"{OBJECT_NAME}-rest",
                    "Priority": _BLOCK_PRIORITY,
                    **last,
                },
            ],
        },
    }


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
