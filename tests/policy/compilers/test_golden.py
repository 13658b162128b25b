"""Golden files: what each target gets for the same entries, read by eye once and held since.

After a wanted change: ``SALLYPORT_WRITE_GOLDEN=1 pytest tests/policy/compilers/test_golden.py``, then read the
difference.
"""

import json
import os
from pathlib import Path

import pytest
import suricataparser

from policy.bundles import Bundle
from policy.compilation import compile_cluster, compile_namespace
from policy.validation import validate_manifest
from tests.policy.compilers.cases import GUARDED, POINTS, TEMPLATE
from tests.policy.compilers.golden_entries import AT, golden_entries

GOLDEN = Path(__file__).parent / "golden"


def compiled(point: str) -> Bundle:
    capabilities = POINTS[point]
    return compile_namespace(
        capabilities=capabilities,
        template=TEMPLATE,
        namespace="shop",
        entries=golden_entries(capabilities.dialect),
        at=AT,
    )


def readable(content: bytes) -> str:
    return json.dumps(json.loads(content), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def hold(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("SALLYPORT_WRITE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("point", POINTS)
def test_the_bundle_is_the_golden_one(point):
    hold(f"{point}.json", readable(compiled(point).as_json()))


@pytest.mark.parametrize("point", [point for point in POINTS if POINTS[point].dialect in ("cilium", "calico")])
def test_the_guardrails_of_a_cluster_are_the_golden_ones(point):
    hold(f"{point}-guardrails.json", readable(compile_cluster(capabilities=POINTS[point], template=GUARDED).as_json()))


def test_no_golden_file_is_left_over():
    wanted = {f"{point}.json" for point in POINTS}
    wanted |= {f"{point}-guardrails.json" for point in POINTS if POINTS[point].dialect in ("cilium", "calico")}

    assert {path.name for path in GOLDEN.glob("*.json")} == wanted


@pytest.mark.parametrize("point", POINTS)
def test_our_own_validator_takes_what_we_write(point):
    enterprise = POINTS[point].edition == "enterprise"
    objects = [item for item in compiled(point).objects if not item["apiVersion"].startswith("sallyport.dev")]
    kubernetes = [item for item in objects if item["kind"] != "ConfigMap"]

    faults = [fault for item in kubernetes for fault in validate_manifest(item, calico_enterprise=enterprise)]

    assert faults == []


def test_every_suricata_rule_parses_and_has_a_number_of_its_own():
    (group,) = [item for item in compiled("aws-nfw").objects if item["kind"] == "NetworkFirewallRuleGroup"]
    lines = group["spec"]["RuleGroup"]["RulesSource"]["RulesString"].splitlines()

    rules = [suricataparser.parse_rule(line) for line in lines]

    assert all(rule is not None and rule.sid for rule in rules)
    assert len({rule.sid for rule in rules}) == len(rules)
    assert max(rule.sid for rule in rules) < 2**32
    assert all(len(line) <= 8_192 for line in lines)
