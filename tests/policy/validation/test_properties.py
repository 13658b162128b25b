"""Whatever is handed in, validation answers: without raising, alike each time, and quickly."""

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.validation import MAXIMUM_ERRORS, SUPPORTED_KINDS, validate_manifest
from policy.validation.advice import advise
from tests.policy.validation.examples import RICH, antrea, cilium, cluster_policy, egress_firewall, fqdn_policy
from tests.policy.validation.mutations import mutated

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(
    kind=st.sampled_from(SUPPORTED_KINDS), spec=JSON, metadata=JSON, others=st.dictionaries(st.text(max_size=9), JSON)
)
def test_no_manifest_makes_validation_raise(kind: tuple[str, str], spec: Any, metadata: Any, others: Any) -> None:
    manifest = {**others, "apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec}

    errors = validate_manifest(manifest)

    assert len(errors) <= MAXIMUM_ERRORS
    assert errors == validate_manifest(manifest)
    assert all(error.message for error in errors)


@given(subject=JSON)
def test_nothing_makes_validation_raise(subject: Any) -> None:
    assert validate_manifest(subject)


@given(subject=st.sampled_from(RICH), seed=st.integers(0, 2**32), changes=st.integers(1, 4))
def test_a_broken_object_gets_errors_or_advice_and_no_exception(
    subject: dict[str, Any], seed: int, changes: int
) -> None:
    chance = random.Random(seed)
    for _ in range(changes):
        subject = mutated(subject, chance)

    assert not (validate_manifest(subject) and advise(subject))


LONG = 200_000
HOSTILE = [
    "a" * LONG,
    "a." * (LONG // 2),
    "*" * LONG,
    "a*" * (LONG // 2),
    "-" * LONG,
    "(" * LONG,
    "!" * LONG,
    "a == 'b' && " * (LONG // 12),
    "((((((((a" * (LONG // 9),
    "0" * LONG,
    "1:" * (LONG // 2),
    "::" * (LONG // 2),
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:9])
def test_a_long_hostile_text_is_refused_quickly_wherever_it_stands(text: str) -> None:
    subjects = [
        cilium({"toFQDNs": [{"matchName": text}, {"matchPattern": text}], "toPorts": [{"ports": [{"port": text}]}]}),
        cilium({"toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"path": text}]}}]}),
        cluster_policy({"action": "Accept", "to": [{"domainNames": [text]}]}),
        antrea({"action": "Allow", "to": [{"fqdn": text}]}),
        egress_firewall({"type": "Allow", "to": {"dnsName": text}}),
        fqdn_policy({"name": text}, {"pattern": text}),
        {
            "apiVersion": "projectcalico.org/v3",
            "kind": "GlobalNetworkPolicy",
            "metadata": {"name": text, "labels": {text: text}},
            "spec": {
                "selector": text,
                "egress": [{"action": "Allow", "protocol": text, "destination": {"nets": [text]}}],
            },
        },
    ]
    begun = time.perf_counter()

    found = [validate_manifest(subject) for subject in subjects]

    assert time.perf_counter() - begun < 2
    assert all(found[2:])
    assert all(len(error.message) < 1000 and len(error.field) < 1000 for errors in found for error in errors)
