from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from connectors import addresses
from connectors.addresses import AddressPolicy, embedded_addresses
from connectors.errors import ConnectorError, RefusedAddress, TimedOut, Unreachable

REFUSED_SPELLINGS = [
    # loopback, as itself and as C libraries read it
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "0x7f000001", "0x7f.0.0.1", "2130706433",
    "017700000001", "0177.0.0.1", "127.0.0.1.", "0127.0.0.1", "localhost", "LOCALHOST", "localhost.",
    "www.localhost", "::1", "[::1]", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "[::ffff:127.0.0.1]",
    "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:7f00:0001::1",
    "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fd00::5efe:127.0.0.1",
    # cloud metadata and credentials
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "169.254.43518", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "::169.254.169.254",
    "2002:a9fe:a9fe::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "::ffff:100.100.100.200", "metadata.google.internal", "metadata",
    "instance-data", "2001:0:a9fe:a9fe::1", "2001:0:808:808::5601:5601",
    # link-local, multicast, unspecified, reserved
    "169.254.0.1", "fe80::1", "fe80::1%1", "fe80::1%eth0", "fec0::1", "224.0.0.1", "239.255.255.250", "ff02::1",
    "0.0.0.0", "0", "0x0", "0.1.2.3", "::", "::0", "[::]", "255.255.255.255", "240.0.0.1", "::ffff:0.0.0.0",
    "::ffff:224.0.0.1", "100::1", "2002:e000:1::",
    # not a host at all
    "", " ", "127.0.0.1 ", "10.0.0.1\n", "10.0.0.1\x00.example.com", "user@10.0.0.1", "10.0.0.1:80", "a..b", "-a.com",
    "a_b.example.com", "１２７.０.０.１", "①②⑦.0.0.1", "ｌocalhost", "exa​mple.com", "10.0.0.0/8", "[10.0.0.1]",
    "300.1.1.1", "1.2.3.4.5", "a" * 64 + ".com", "a." * 130 + "com", "example.0x7f", "%31%32%37.0.0.1",
]  # fmt: skip


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Records every connection that is attempted and every name that is looked up."""
    attempts: list[object] = []

    def refuse_connect(self: socket.socket, address: object) -> None:
        attempts.append(address)
        raise OSError("no connections here")

    def refuse_lookup(*args: object, **kwargs: object) -> None:
        attempts.append(args)
        raise socket.gaierror("no lookups here")

    monkeypatch.setattr(socket.socket, "connect", refuse_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse_connect)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_lookup)
    return attempts


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: tuple[str, ...]) -> list[str]:
    """Make the resolver answer with these addresses, one tuple for each time that it is asked."""
    asked: list[str] = []
    remaining = iter(rounds)

    def getaddrinfo(host: str, port: int, **kwargs: object) -> Iterator[tuple[object, ...]]:
        asked.append(host)
        return iter([(2, 1, 6, "", (address, port)) for address in next(remaining)])

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("host", REFUSED_SPELLINGS)
def test_no_spelling_of_a_forbidden_place_is_even_looked_up(host: str, no_sockets: list[object]) -> None:
    with pytest.raises(RefusedAddress):
        AddressPolicy().check(host=host, port=443)

    assert no_sockets == []


def test_the_table_of_spellings_is_long_enough_to_mean_something() -> None:
    assert len(set(REFUSED_SPELLINGS)) >= 90


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.1", "172.16.5.4", "100.64.0.1", "fd12::1", "203.0.113.9", "8.8.8.8"]
)
def test_private_and_public_addresses_of_clusters_are_allowed(host: str) -> None:
    assert AddressPolicy().check(host=host, port=6443).address == ipaddress.ip_address(host)


def test_a_mapped_address_is_connected_to_as_what_it_is() -> None:
    endpoint = AddressPolicy().check(host="::ffff:10.1.2.3", port=443)

    assert endpoint.addresses == (ipaddress.ip_address("10.1.2.3"),)


@pytest.mark.parametrize(
    "bad", ["127.0.0.1", "169.254.169.254", "::1", "64:ff9b::a9fe:a9fe", "0.0.0.0", "fe80::1%eth0"]
)
def test_one_forbidden_answer_among_many_refuses_the_name(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ("10.0.0.1", "10.0.0.2", bad))

    with pytest.raises(RefusedAddress):
        AddressPolicy().check(host="api.example.com", port=443)


def test_a_name_is_asked_for_once_and_its_answers_are_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, ("10.0.0.1", "10.0.0.2", "10.0.0.1"), ("127.0.0.1",))

    endpoint = AddressPolicy().check(host="rebind.example.com", port=443)

    assert [str(address) for address in endpoint.addresses] == ["10.0.0.1", "10.0.0.2"]
    assert asked == ["rebind.example.com"]


def test_loopback_needs_the_explicit_setting_and_gets_nothing_else_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    relaxed = AddressPolicy(allow_loopback=True)
    answers(monkeypatch, ("127.0.0.1", "::1"))

    assert str(relaxed.check(host="127.0.0.1", port=1).address) == "127.0.0.1"
    assert len(relaxed.check(host="localhost", port=1).addresses) == 2
    for host in ("169.254.169.254", "0.0.0.0", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::", "metadata"):
        with pytest.raises(RefusedAddress):
            relaxed.check(host=host, port=1)


def test_given_networks_are_the_whole_of_what_is_allowed() -> None:
    policy = AddressPolicy(allowed_networks=(ipaddress.ip_network("10.20.0.0/16"),))

    assert policy.check(host="10.20.1.1", port=443).port == 443
    for host in ("10.21.0.1", "8.8.8.8", "fd00::1", "127.0.0.1"):
        with pytest.raises(RefusedAddress):
            policy.check(host=host, port=443)


def test_the_installation_s_own_services_are_refused_even_inside_an_allowed_network() -> None:
    policy = AddressPolicy(
        allowed_networks=(ipaddress.ip_network("10.0.0.0/8"),),
        refused_networks=(ipaddress.ip_network("10.0.0.5/32"),),
    )

    with pytest.raises(RefusedAddress):
        policy.check(host="10.0.0.5", port=5432)
    with pytest.raises(RefusedAddress):
        policy.check(host="::ffff:10.0.0.5", port=5432)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(RefusedAddress):
        AddressPolicy().check(host="10.0.0.1", port=port)


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: object, **kwargs: object) -> list[object]:
        time.sleep(0.5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    started = time.monotonic()

    with pytest.raises(TimedOut):
        AddressPolicy().check(host="slow.example.com", port=443, timeout=0.05)

    assert time.monotonic() - started < 0.4


def test_lookups_that_hang_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    over = threading.Event()

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> list[object]:
        asked.append(host)
        over.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(addresses, "_LOOKUPS", threading.BoundedSemaphore(2))
    try:
        for number in range(5):
            with pytest.raises(TimedOut):
                AddressPolicy().check(host=f"slow-{number}.example.com", port=443, timeout=0.05)
    finally:
        over.set()

    assert asked == ["slow-0.example.com", "slow-1.example.com"]


def test_a_name_without_an_address_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ())

    with pytest.raises(Unreachable):
        AddressPolicy().check(host="nothing.example.com", port=443)


def test_both_addresses_inside_a_teredo_address_are_seen() -> None:
    assert [str(one) for one in embedded_addresses(ipaddress.ip_address("2001:0:808:808::5601:5601"))] == [
        "8.8.8.8",
        "169.254.169.254",
    ]


def test_a_refusal_names_the_reason_for_machines_too() -> None:
    with pytest.raises(ConnectorError) as caught:
        AddressPolicy().check(host="169.254.169.254", port=80)

    assert caught.value.details == {"reason": "the cloud metadata service"}
