"""What our own compilers write is what our own validators accept, for every target, plain and with every switch."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policy.capabilities import Capabilities
from policy.compilation import DIALECTS, compile_namespace
from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.ports import parse_ports
from policy.selectors import parse_selector
from policy.template import template
from policy.validation import is_supported, validate_manifest
from policy.validation.advice import advise

AT = datetime(2026, 11, 23, tzinfo=UTC)
ENTRIES = (
    ("SP-00001", "api.example.com", "443/tcp", ""),
    ("SP-00002", "*.example.com", "443/tcp", "app=web"),
    ("SP-00003", "**.example.org +apex", "443/tcp, 8000-9000/tcp", ""),
    ("SP-00004", "10.0.0.0/8 except 10.1.0.0/16", "any", ""),
    ("SP-00005", "2001:db8::/32", "53/udp, icmp", "app=web,tier=front"),
    ("SP-00006", "203.0.113.0/24", "1/sctp", ""),
)
EVERY_SWITCH = Capabilities(
    dialect="",
    version="3.32",
    log=True,
    server_names=True,
    cidr_groups=True,
    edition="enterprise",
    domain_names=True,
    dns_name_resolver=True,
    node_mode="auto",
    sources=("10.0.0.0/8",),
    role="shop",
    tls_bump=True,
)
# What a target demands of anybody who uses it, and what its own switches stand for.
EXPECTED_ADVICE = {"needs-auto-mode", "no-boundary", "needs-version", "needs-resolver"}


def _entries() -> list[PolicyEntry]:
    return [
        PolicyEntry(
            passport=passport,
            destination=parse_destination(destination),
            ports=parse_ports(ports),
            workload=parse_selector(workload),
            accepted_widening=frozenset(DIALECTS),
        )
        for passport, destination, ports, workload in ENTRIES
    ]


@pytest.mark.parametrize("switches", [Capabilities(dialect=""), EVERY_SWITCH], ids=["plain", "every switch"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_compiled_object_has_no_faults_and_means_what_it_says(dialect: str, switches: Capabilities) -> None:
    capabilities = replace(switches, dialect=dialect)
    enterprise = capabilities.edition == "enterprise"

    bundle = compile_namespace(
        capabilities=capabilities, template=template("v1"), namespace="shop", entries=_entries(), at=AT
    )

    known = [manifest for manifest in bundle.objects if is_supported(manifest)]
    assert [error for manifest in known for error in validate_manifest(manifest, calico_enterprise=enterprise)] == []
    assert {one.rule for manifest in known for one in advise(manifest, calico_enterprise=True)} <= EXPECTED_ADVICE
    assert known or all(manifest["apiVersion"] in ("v1", "sallyport.dev/v1") for manifest in bundle.objects)
