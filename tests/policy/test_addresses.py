"""Networks are read strictly, judged by what they mean, and added up exactly."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.addresses import AddressSet, canonical_network, meanings, parse_network, plain_address, special_blocks
from policy.errors import InvalidDestination
from tests.policy.strategies import ADDRESSES, V4_BLOCK, V6_BLOCK

SUBNETS = [net for block in (V4_BLOCK, V6_BLOCK) for length in range(4) for net in block.subnets(length)]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("10.0.0.1", "10.0.0.1/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:db8:0:0::/64", "2001:db8::/64"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:169.254.169.254", "169.254.169.254/32"),
        ("10.0.0.0/08", "10.0.0.0/8"),
    ],
)
def test_another_spelling_is_refused_with_the_canonical_one_offered(text, canonical):
    with pytest.raises(InvalidDestination) as refusal:
        parse_network(text)

    assert refusal.value.details == {"canonical": canonical}
    assert canonical_network(parse_network(canonical)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/0.255.255.255",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/33",
        "010.0.0.0/8",
        "fe80::1%eth0/64",
        "x/8",
        "/8",
        "1.2.3/24",
    ],
)
def test_what_is_no_cidr_is_refused_without_an_offer(text):
    with pytest.raises(InvalidDestination) as refusal:
        parse_network(text)

    assert "canonical" not in refusal.value.details


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254/32",
        "::ffff:169.254.169.254/128",
        "::169.254.169.254/128",
        "64:ff9b::a9fe:a9fe/128",
        "64:ff9b:1::a9fe:a9fe/128",
        "2002:a9fe:a9fe::/48",
        "2002:a9fe:a9fe::1/128",
        "2001:0:1:2:3:4:5601:5601/128",
        "fd00:ec2::254/128",
        "0.0.0.0/0",
        "::/0",
    ],
)
def test_the_metadata_address_is_seen_under_every_spelling(text):
    categories = {block.category for block in special_blocks(ip_network(text))}

    assert "metadata" in categories


def test_an_ordinary_address_is_not_special():
    assert special_blocks(ip_network("8.8.8.8/32")) == ()
    assert special_blocks(ip_network("2a00:1450::/32")) == ()


def test_a_network_of_6to4_means_the_network_it_carries():
    assert ip_network("10.0.0.0/8") in meanings(ip_network("2002:a00::/24"))
    assert meanings(ip_network("2a00::/16")) == (ip_network("2a00::/16"),)


def test_a_mapped_address_is_the_plain_one():
    assert plain_address(IPv6Address("::ffff:10.0.0.1")) == IPv4Address("10.0.0.1")
    assert plain_address(ip_address("2001:db8::1")) == ip_address("2001:db8::1")


@given(st.lists(st.sampled_from(SUBNETS)), st.lists(st.sampled_from(SUBNETS)))
def test_sets_agree_with_brute_force(networks, holes):
    found = AddressSet.of(networks, excepts=holes)
    wanted = {
        address
        for address in ADDRESSES
        if any(address in net for net in networks if net.version == address.version)
        and not any(address in net for net in holes if net.version == address.version)
    }

    assert {address for address in ADDRESSES if address in found} == wanted
    assert AddressSet.of(found.networks()) == found
    assert bool(found) == bool(wanted)
    other = AddressSet.of(holes)
    in_other = {address for address in ADDRESSES if address in other}
    assert found.covers(other) == (in_other <= wanted)
    assert found.overlaps(other) == bool(in_other & wanted)
    assert {address for address in ADDRESSES if address in found.union(other)} == wanted | in_other


def test_two_halves_are_the_whole():
    halves = AddressSet.of([ip_network("0.0.0.0/1"), ip_network("128.0.0.0/1")])

    assert halves.networks() == (ip_network("0.0.0.0/0"),)
    assert halves.share_of(4) == 1.0
    assert halves.share_of(6) == 0.0
