"""Our validators against what a real API server answered, and what controllers refuse behind it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.validation import validate_manifest

# Accepted by the server, and then refused by the controller or agent, or never enforced: we refuse these too.
REFUSED_BEHIND_THE_SERVER = {
    "CiliumNetworkPolicy": {
        "egress: []",
        "nodeSelector in CNP",
        "toFQDNs+toCIDR same rule (agent rejects)",
        "icmps+toPorts (agent rejects)",
        "port 99999",
        'port "65536"',
        'port junk "443x!"',
        "no port",
        "except outside",
    },
    "GlobalNetworkPolicy": {"bad cidr", "bad port range", "ports w/o protocol", "bad selector", "protocol junk"},
    "GlobalNetworkSet": {"GNS junk net"},
    "ApplicationNetworkPolicy": {"bad cidr", "endPort<port", "protocol JUNK", "ipBlock+pod (k8s would reject)"},
    # "Deny+domainNames": the API text says Accept only, and Cilium's parser fails. "CNP bad network" is no network.
    "ClusterNetworkPolicy": {"Deny+domainNames", "CNP bad network", "fqdn junk"},
    "EgressFirewall": {"bad cidr", "type Allowx (regex unanchored)", "proto XUDPX"},
    "ServiceEntry": {"wildcard DNS (webhook only)"},
}


def verdicts(shared: Path) -> Iterator[dict[str, Any]]:
    """The recorded answers whose object was recorded too."""
    with (shared / "crds" / "verdicts.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            verdict = json.loads(line)
            if verdict["object"] is not None:
                yield verdict


def test_every_recorded_verdict_is_ours(shared: Path) -> None:
    disagreements = [
        f"{verdict['apiVersion']} {verdict['kind']}: {verdict['case']}"
        for verdict in verdicts(shared)
        if bool(validate_manifest(verdict["object"])) is not _must_refuse(verdict)
    ]

    assert disagreements == []


def test_the_recorded_verdicts_cover_what_we_know_to_be_refused_behind_the_server(shared: Path) -> None:
    recorded = {(verdict["kind"], verdict["case"]) for verdict in verdicts(shared) if verdict["accepted"]}

    named = {(kind, case) for kind, cases in REFUSED_BEHIND_THE_SERVER.items() for case in cases}

    assert named <= recorded
    assert len(recorded) > 100


def test_fields_of_our_errors_are_those_that_the_server_names(shared: Path) -> None:
    unnamed = []
    for verdict in verdicts(shared):
        message = verdict["message"] or ""
        if verdict["accepted"] or "strict decoding" in message or "must validate" in message:
            continue
        fields = [error.field for error in validate_manifest(verdict["object"])]
        if not any(f"{place}: " in message for field in fields for place in _place_and_parents(field)):
            unnamed.append((verdict["kind"], verdict["case"], fields, message[:120]))

    assert unnamed == []


def test_unknown_fields_are_named_as_the_server_names_them(shared: Path) -> None:
    strict = [verdict for verdict in verdicts(shared) if "unknown field" in (verdict["message"] or "")]

    for verdict in strict:
        named = verdict["message"].split('unknown field "')[1].split('"')[0]
        assert named in [error.field for error in validate_manifest(verdict["object"])]
    assert len(strict) >= 5


def _place_and_parents(field: str) -> list[str]:
    """The path and three above it: a rule of an object is reported by the server there, by us at what breaks it."""
    parts = re.findall(r"\.?[^.\[]+|\[[^\]]*\]", field)
    return ["".join(parts[: len(parts) - above]) for above in range(4)]


def _must_refuse(verdict: dict[str, Any]) -> bool:
    behind = REFUSED_BEHIND_THE_SERVER.get(verdict["kind"], set())
    return not verdict["accepted"] or verdict["case"] in behind


@pytest.mark.parametrize(
    ("api_version", "kind", "spec"),
    [
        ("networking.k8s.io/v1", "NetworkPolicy", {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}] * 1000}]}),
        ("cilium.io/v2", "CiliumCIDRGroup", {"externalCIDRs": ["10.0.0.0/8"] * 20_000}),
    ],
)
def test_large_objects_are_judged_like_small_ones(api_version: str, kind: str, spec: dict[str, Any]) -> None:
    assert validate_manifest({"apiVersion": api_version, "kind": kind, "metadata": {"name": "t"}, "spec": spec}) == ()
