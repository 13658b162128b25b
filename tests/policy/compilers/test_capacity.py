"""Limits are known beforehand: split where the target allows, else refused by name, never cut off."""

import pytest

from policy.bundles import canonical_json
from policy.capabilities import Capabilities
from policy.compilation import compile_namespace
from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.errors import InvalidCapabilities
from policy.ports import parse_ports
from tests.policy.compilers.cases import TEMPLATE
from tests.policy.strategies import AT


def many(count: int, *, ports: str = "443", v6: bool = False, names: bool = False) -> list[PolicyEntry]:
    def text(number: int) -> str:
        if names:
            return f"host-{number}.example.com"
        return f"2001:db8:{number + 1:x}::/48" if v6 else f"100.{number // 256}.{number % 256}.0/24"

    return [
        PolicyEntry(f"SP-{number:05d}", parse_destination(text(number)), parse_ports(ports)) for number in range(count)
    ]


def compiled(entries, **facts):
    return compile_namespace(
        capabilities=Capabilities(**facts), template=TEMPLATE, namespace="shop", entries=entries, at=AT
    )


def refused(bundle) -> int:
    return sum(1 for fidelity in bundle.fidelity.values() if fidelity.verdict == "impossible")


def passports_in(bundle) -> int:
    content = canonical_json(list(bundle.objects)).decode()
    return sum(1 for passport in bundle.fidelity if passport in content or passport.lower() in content)


@pytest.mark.parametrize("dialect", ["networkpolicy", "cilium", "calico", "antrea", "aws-networkpolicy", "gke"])
def test_an_object_that_would_be_too_large_becomes_several(dialect):
    bundle = compiled(many(600), dialect=dialect, version="1.20.2", node_mode="auto", max_object_bytes=60_000)

    assert refused(bundle) == 0
    assert passports_in(bundle) == 600
    assert len(bundle.objects) > 1
    assert max(len(canonical_json(item)) for item in bundle.objects) <= 60_000
    assert not any(line.is_over for line in bundle.capacity)
    names = [item["metadata"]["name"] for item in bundle.objects]
    assert len(set(names)) == len(names)


def test_the_policy_map_of_an_endpoint_is_counted():
    bundle = compiled(many(50), dialect="cilium", version="1.20.2", policy_map_entries=20)
    (line,) = [line for line in bundle.capacity if "policy map" in line.resource]

    assert (line.needed, line.limit, line.is_over) == (50, 20, True)
    assert refused(bundle) == 30
    assert passports_in(bundle) == 20


def test_a_range_of_ports_weighs_its_prefixes():
    bundle = compiled(many(1, ports="1000-1999"), dialect="cilium", version="1.20.2")
    (line,) = [line for line in bundle.capacity if "policy map" in line.resource]

    # 1000-1007, 1008-1023, 1024-1535, 1536-1791, 1792-1919, 1920-1983, 1984-1999
    assert line.needed == 7


def test_rules_of_security_groups_are_spread_and_then_refused():
    bundle = compiled(many(130), dialect="aws-security-group", rules_per_group=60, groups_per_interface=2)
    (groups,) = [item["spec"]["groups"] for item in bundle.objects if item["kind"] == "SecurityGroups"]

    # Two of the rules are for the resolver of the template.
    assert [len(group["IpPermissions"]) for group in groups] == [60, 60]
    assert refused(bundle) == 130 - 118
    assert passports_in(bundle) == 118


def test_families_of_security_groups_are_counted_apart():
    sixes = [
        PolicyEntry(f"SP-V{number:04d}", one.destination, one.ports) for number, one in enumerate(many(60, v6=True))
    ]
    mixed = [*many(58), *sixes]
    bundle = compiled(mixed, dialect="aws-security-group", rules_per_group=60, groups_per_interface=1)

    assert refused(bundle) == 0


def test_a_prefix_list_weighs_its_largest_size():
    entry = PolicyEntry("SP-7K3QF", parse_destination("10.0.0.0/8 except 10.1.2.3/32"), parse_ports("80, 443"))
    bundle = compiled([entry], dialect="aws-security-group", rules_per_group=60, groups_per_interface=1)
    (listed,) = [item["spec"] for item in bundle.objects if item["kind"] == "ManagedPrefixList"]

    assert listed["MaxEntries"] == len(listed["Entries"]) == 24
    assert next(line for line in bundle.capacity if "IPv4" in line.resource).needed == 48


def test_admin_kinds_spread_over_consecutive_priorities():
    bundle = compiled(many(60), dialect="clusternetworkpolicy")
    ordered = sorted(bundle.objects, key=lambda item: item["spec"]["priority"])

    assert [item["spec"]["priority"] for item in ordered] == [500, 501, 502, 503]
    assert all(len(item["spec"]["egress"]) <= 25 for item in ordered)
    assert ordered[-1]["spec"]["egress"][-1]["action"] == "Deny"
    assert refused(bundle) == 0


def test_admin_kinds_without_priorities_left_refuse():
    bundle = compiled(many(60), dialect="clusternetworkpolicy", priority=999)

    assert max(item["spec"]["priority"] for item in bundle.objects) == 1_000
    assert refused(bundle) == 60 - 24
    assert passports_in(bundle) == 24
    assert any(line.is_over for line in bundle.capacity)


def test_an_entry_that_no_object_can_hold_is_impossible():
    holes = ", ".join(f"10.{number * 4}.9.9/32" for number in range(64))
    ports = ",".join(str(number) for number in range(1, 655, 2))
    entry = PolicyEntry("SP-7K3QF", parse_destination(f"10.0.0.0/8 except {holes}"), parse_ports(ports))
    bundle = compiled([entry], dialect="clusternetworkpolicy")

    assert refused(bundle) == 1


def test_rules_that_ovn_would_ignore_are_refused():
    bundle = compiled(many(8_200), dialect="ovn", max_object_bytes=10_000_000)
    (item,) = bundle.objects

    assert len(item["spec"]["egress"]) == 8_000
    assert item["spec"]["egress"][-2:] == [
        {"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}},
        {"type": "Deny", "to": {"cidrSelector": "::/0"}},
    ]
    assert refused(bundle) == 8_200 - (8_000 - 3)


def test_gke_refuses_names_that_may_have_too_many_addresses():
    bundle = compiled(many(2, names=True), dialect="gke", addresses_per_name=60)

    assert refused(bundle) == 2


def test_a_rule_group_keeps_its_capacity_and_a_second_one_takes_the_rest():
    bundle = compiled(many(250), dialect="aws-nfw", rule_group_capacity=100)
    groups = [item["spec"] for item in bundle.objects if item["kind"] == "NetworkFirewallRuleGroup"]

    assert {group["Capacity"] for group in groups} == {100}
    assert [len(group["RuleGroup"]["RulesSource"]["RulesString"].splitlines()) for group in groups] == [100, 100, 52]
    assert refused(bundle) == 0


def test_a_file_for_squid_is_not_cut_off():
    bundle = compiled(many(200), dialect="squid", max_object_bytes=30_000)
    (item,) = bundle.objects

    assert len(canonical_json(item)) <= 30_000
    assert item["data"]["sallyport.conf"].rstrip().endswith("http_access deny all")
    assert refused(bundle) + passports_in(bundle) == 200
    assert refused(bundle) > 0


def test_istio_writes_ports_one_by_one_and_refuses_too_many():
    assert refused(compiled(many(1, names=True, ports="1000-1255"), dialect="istio")) == 0
    assert refused(compiled(many(1, names=True, ports="1000-1256"), dialect="istio")) == 1


def test_a_version_is_numbers():
    assert Capabilities(dialect="cilium", version="v1.19.2+build").at_least("1.19")
    assert not Capabilities(dialect="cilium", version="1.9").at_least("1.19")
    with pytest.raises(InvalidCapabilities):
        Capabilities(dialect="cilium", version="latest").at_least("1.19")


def test_a_firewall_policy_has_no_more_groups_than_its_quota():
    bundle = compiled(many(120), dialect="aws-nfw", rule_group_capacity=2)
    groups = [item for item in bundle.objects if item["kind"] == "NetworkFirewallRuleGroup"]

    assert len(groups) == 50
    assert refused(bundle) == 120 - 98
    assert any(line.is_over for line in bundle.capacity)


@pytest.mark.parametrize(
    ("ports", "verdict"), [("sctp", "exact"), ("3868/sctp", "impossible"), ("3868/sctp, 443", "narrowed")]
)
def test_security_groups_open_sctp_whole_or_not_at_all(ports, verdict):
    bundle = compiled(many(1, ports=ports), dialect="aws-security-group")

    assert bundle.fidelity["SP-00000"].verdict == verdict
    assert ("132" in canonical_json(list(bundle.objects)).decode()) == (verdict == "exact")
