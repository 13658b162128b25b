"""What a rule says about protocols and ports, and whether a packet meets it."""

from collections.abc import Iterable
from dataclasses import dataclass

from policy.simulation.flows import ICMP_PROTOCOLS, PORT_PROTOCOLS, Packet
from policy.simulation.names import fits
from policy.simulation.truth import Truth, every, some, truth_of


@dataclass(frozen=True, slots=True)
class PortSpec:
    """One entry of a list of ports.

    ``protocols`` of ``None`` is every protocol, ICMP included. A ``name`` is looked up among the ports that the target
    pod declares, per protocol; nothing outside the cluster declares any.
    """

    protocols: frozenset[str] | None = None
    first: int | None = None
    last: int | None = None
    name: str | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    # The TLS hello must carry one of these (Cilium's spelling of patterns).
    server_names: tuple[str, ...] = ()

    def judge(self, packet: Packet) -> Truth:
        if self.protocols is not None and packet.protocol not in self.protocols:
            return Truth.NO
        return every((self._judge_port(packet), self._judge_server_name(packet)))

    def _judge_server_name(self, packet: Packet) -> Truth:
        if not self.server_names:
            return Truth.YES
        name = packet.target.name
        if name is None:
            return Truth.UNKNOWN
        wanted = self.server_names
        return truth_of(any(fits(dialect="cilium", field="serverNames", pattern=one, name=name) for one in wanted))

    def _judge_port(self, packet: Packet) -> Truth:
        if self.name is not None:
            return self._judge_name(packet)
        if packet.protocol in ICMP_PROTOCOLS:
            return self._judge_icmp(packet)
        if self.first is None:
            return Truth.YES
        if packet.port is None:
            return Truth.UNKNOWN if packet.protocol in PORT_PROTOCOLS else Truth.NO
        return truth_of(self.first <= packet.port <= (self.last if self.last is not None else self.first))

    def _judge_name(self, packet: Packet) -> Truth:
        target = packet.target
        if target.kind == "unlisted":
            return Truth.UNKNOWN
        if target.pod is None:
            return Truth.NO
        numbers = {
            port.number for port in target.pod.ports if port.name == self.name and port.protocol == packet.protocol
        }
        if packet.port is None:
            return Truth.UNKNOWN if numbers else Truth.NO
        return truth_of(packet.port in numbers)

    def _judge_icmp(self, packet: Packet) -> Truth:
        if self.first is not None:
            return Truth.NO
        if self.icmp_type is None:
            return Truth.YES
        if packet.icmp_type is None:
            return Truth.UNKNOWN
        if packet.icmp_type != self.icmp_type:
            return Truth.NO
        if self.icmp_code is None:
            return Truth.YES
        return Truth.UNKNOWN if packet.icmp_code is None else truth_of(packet.icmp_code == self.icmp_code)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a rule: any of ``specs``, or every port of every protocol where it lists none."""

    specs: tuple[PortSpec, ...] | None = None

    def judge(self, packet: Packet) -> Truth:
        if self.specs is None:
            return Truth.YES
        return some(spec.judge(packet) for spec in self.specs)


EVERY_PORT = Ports()


def ports_of(specs: Iterable[PortSpec]) -> Ports:
    """The ports that are any of the specs; an empty list of them is no port at all."""
    return Ports(tuple(specs))
