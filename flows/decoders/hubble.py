"""Lines that Hubble's exporter writes (``ExportEvent`` as JSON), one event each.

Enums are names, 64-bit numbers are text, and whatever is false, zero or empty is left out: an absent ``is_reply`` is
not known to be false, so a reply that does not say so is recognised by its TCP flags. The cluster that a line names is
never read: it is whatever the sender's token says.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import orjson

from flows.records import BadLine, DnsAnswer, LabelPairs, LostRecords, ObservedFlow, Record, Skipped, VerdictName

Json = dict[str, Any]

#: Reasons to drop that are a policy's decision: default deny, an explicit deny, an authentication that is asked for.
POLICY_DROPS = frozenset({"POLICY_DENIED", "POLICY_DENY", "AUTH_REQUIRED", 133, 181, 189})
_VERDICTS: dict[str, VerdictName] = {
    "FORWARDED": "allow",
    # To the proxy: a policy with rules for that port let it through; the proxy's own verdict is a record of its own.
    "REDIRECTED": "allow",
    "AUDIT": "would_deny",
    "ERROR": "drop_other",
}
#: No verdicts at all: a trace, and the translation of a service address before the real packet.
_NO_VERDICT = frozenset({"TRACED", "TRANSLATED"})
_PORTED = ("TCP", "UDP", "SCTP")
_PORTLESS = {"ICMPv4": "ICMP", "ICMPv6": "ICMP", "VRRP": "VRRP", "IGMP": "IGMP"}
_OTHER_EVENTS = {"agent_event": "agent event", "debug_event": "debug event", "node_status": "node status"}

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_OBJECT_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_DNS_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
#: The letters of generated suffixes (no vowels, so that no words appear).
_GENERATED = frozenset("bcdfghjklmnpqrstvwxz2456789")
_MAX_NAME = 253
_MAX_NAMES = 16
_MAX_LABELS = 64
_MAX_ADDRESSES = 64
_MAX_LOST = 2**62


def decode_line(line: bytes) -> Record:
    """The record in one line; raises ``BadLine`` with a reason for a line that cannot be read."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadLine("not readable as JSON") from None
    if not isinstance(event, dict):
        raise BadLine("not an object")
    flow = event.get("flow")
    if isinstance(flow, dict):
        return _decode_flow(event, flow)
    if isinstance(event.get("lost_events"), dict):
        return _decode_lost(event, event["lost_events"])
    for key, words in _OTHER_EVENTS.items():
        if key in event:
            return Skipped(words, _time_or_none(event.get("time")))
    raise BadLine("not an event of Hubble")


def _decode_flow(event: Json, flow: Json) -> Record:
    at = _time(flow.get("time") or event.get("time"))
    source, destination = _dict(flow, "source"), _dict(flow, "destination")
    dns = _dict(_dict(flow, "l7"), "dns")
    if dns and (answer := _dns_answer(flow, dns, at)) is not None:
        return answer
    if reason := _not_egress(flow, destination, dns):
        return Skipped(reason, at)
    namespace = _text(source, "namespace")
    if not namespace:
        return Skipped("from the host itself", at)
    if len(namespace) > 63 or not _NAMESPACE.fullmatch(namespace):
        raise BadLine("namespace is not a name")
    address, protocol, port, sender = _packet(flow)
    names = _names(flow.get("destination_names"))
    if address is None and not names:
        raise BadLine("no destination")
    return ObservedFlow(
        at=at,
        namespace=namespace,
        workload=_workload(source),
        pod=_object_name(_text(source, "pod_name")),
        labels=_labels(source),
        names=names,
        address=address,
        port=port,
        protocol=protocol,
        verdict=_verdict(flow),
        source=sender,
    )


def _not_egress(flow: Json, destination: Json, dns: Json) -> str:
    """Why the flow is no attempt to leave the cluster; empty if it is one."""
    if flow.get("is_reply") is True or flow.get("reply") is True or _is_answering(flow):
        return "reply"
    direction = flow.get("traffic_direction")
    if direction != "EGRESS":
        return "ingress" if direction == "INGRESS" else "direction unknown"
    if _text(flow, "verdict") in _NO_VERDICT:
        return "trace without a verdict"
    if dns:
        return "name lookup"
    if destination.get("namespace"):
        return "stays in the cluster"
    return ""


def _is_answering(flow: Json) -> bool:
    """SYN and ACK together: the second packet of a connection that somebody else opened."""
    flags = _dict(_dict(_dict(flow, "l4"), "TCP"), "flags")
    return flags.get("SYN") is True and flags.get("ACK") is True


def _packet(flow: Json) -> tuple[str | None, str, int | None, tuple[str, int] | None]:
    """Destination address, protocol, port, and who sent it from which port."""
    ip, l4 = _dict(flow, "IP"), _dict(flow, "l4")
    target = _address(ip.get("destination"))
    for protocol in _PORTED:
        if isinstance(l4.get(protocol), dict):
            ports = cast(Json, l4[protocol])
            port, sender_port = _port(ports.get("destination_port")), _port(ports.get("source_port"))
            sender = _address(ip.get("source"))
            return target, protocol, port, (sender, sender_port) if sender and sender_port else None
    for key, protocol in _PORTLESS.items():
        if key in l4:
            return target, protocol, None, None
    return target, "unknown", None, None


def _verdict(flow: Json) -> VerdictName:
    verdict = _text(flow, "verdict")
    if verdict == "DROPPED":
        reasons = (flow.get("drop_reason_desc"), flow.get("drop_reason"))
        # The proxy drops for its policy only, and names no reason.
        is_proxy = bool(_dict(flow, "l7")) and not any(reasons)
        is_policy = is_proxy or any(isinstance(one, str | int) and one in POLICY_DROPS for one in reasons)
        return "deny_policy" if is_policy else "drop_other"
    return _VERDICTS.get(verdict, "unknown")


def _decode_lost(event: Json, lost: Json) -> LostRecords:
    at = _time(event.get("time") or lost.get("last"))
    first, last = _time_or_none(lost.get("first")) or at, _time_or_none(lost.get("last")) or at
    return LostRecords(
        started_at=min(first, last),
        ended_at=max(first, last),
        node=_node(event.get("node_name")),
        lost=_number(lost.get("num_events_lost")),
        reason=f"events lost in {_source_of_loss(lost.get('source'))}",
    )


def _source_of_loss(source: object) -> str:
    known = {
        "PERF_EVENT_RING_BUFFER": "the kernel's ring buffer",
        "OBSERVER_EVENTS_QUEUE": "the observer's queue",
        "HUBBLE_RING_BUFFER": "Hubble's ring buffer",
    }
    return known.get(source, "a buffer") if isinstance(source, str) else "a buffer"


def _dns_answer(flow: Json, dns: Json, at: datetime) -> DnsAnswer | None:
    """The answer in a DNS response; it goes to the pod that asked, which is the destination of the reply."""
    asked, addresses = _dns_name(dns.get("query")), dns.get("ips")
    if not asked or not isinstance(addresses, list) or not addresses:
        return None
    if _dict(flow, "l7").get("type") != "RESPONSE":
        return None
    asker = _dict(flow, "destination")
    if not asker.get("pod_name"):
        asker = _dict(flow, "source")
    told = (_address_or_none(one) for one in addresses[:_MAX_ADDRESSES])
    return DnsAnswer(
        at=at,
        namespace=_object_name(_text(asker, "namespace")),
        pod=_object_name(_text(asker, "pod_name")),
        name=asked,
        addresses=tuple(one for one in told if one),
    )


def _workload(source: Json) -> str:
    """The controller's name; where the log has none, the pod's without its generated suffixes."""
    workloads = source.get("workloads")
    if isinstance(workloads, list) and workloads and isinstance(workloads[0], dict):
        name = _object_name(_text(workloads[0], "name"))
        if name:
            return name
    return _without_suffixes(_object_name(_text(source, "pod_name")))


def _without_suffixes(pod: str) -> str:
    """``web-7d4b9c6f8-x2x9z`` is one of the pods of ``web``: a name per pod would make a new workload per deploy."""
    stem, dash, last = pod.rpartition("-")
    if not dash or len(last) != 5 or not set(last) <= _GENERATED:
        return stem if dash and last.isdigit() and stem else pod
    owner, dash, middle = stem.rpartition("-")
    return owner if dash and 6 <= len(middle) <= 10 and set(middle) <= _GENERATED else stem


def _labels(source: Json) -> LabelPairs:
    """The pod's own labels; those of other origins (``reserved:``, ``cidr:``) are no labels of Kubernetes."""
    listed = source.get("labels")
    if not isinstance(listed, list):
        return ()
    pairs = []
    for text in listed[:_MAX_LABELS]:
        if isinstance(text, str) and text.startswith("k8s:") and len(text) < 400:
            key, _, value = text[4:].partition("=")
            pairs.append((key, value))
    return tuple(sorted(pairs))


def _names(listed: object) -> tuple[str, ...]:
    """The names known for the destination, canonical and sorted: their order in the log means nothing."""
    if not isinstance(listed, list):
        return ()
    found = {name for one in listed[:_MAX_NAMES] if (name := _dns_name(one))}
    return tuple(sorted(found))


def _dns_name(value: object) -> str:
    """A name in lower case and without its final dot; empty for what is none."""
    if not isinstance(value, str) or not value or len(value) > _MAX_NAME + 1:
        return ""
    name = value.lower().removesuffix(".")
    labels = name.split(".")
    is_name = len(name) <= _MAX_NAME and set(name) <= _DNS_CHARACTERS and all(0 < len(one) <= 63 for one in labels)
    return name if is_name else ""


def _object_name(text: str) -> str:
    """The name of an object of Kubernetes, or empty: a log is not believed to hold anything else."""
    return text if len(text) <= _MAX_NAME and set(text) <= _OBJECT_NAME_CHARACTERS else ""


def _node(value: object) -> str:
    """``cluster/node`` without the cluster, which is the sender's to claim and ours to know."""
    text = value if isinstance(value, str) else ""
    return _object_name(text.rpartition("/")[2].lower())


def _dict(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Json, key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _port(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= 65535:
        raise BadLine("port is not a number up to 65535")
    return value


def _number(value: object) -> int:
    """A 64-bit number, which the log writes as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return min(int(value), _MAX_LOST)
    return min(value, _MAX_LOST) if type(value) is int and value >= 0 else 0


def _address(value: object) -> str | None:
    if value is None or value == "":
        return None
    address = _address_or_none(value)
    if address is None:
        raise BadLine("address is not an IP address")
    return address


@lru_cache(maxsize=65_536)
def _canonical(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        return str(address.ipv4_mapped or address)
    return str(address)


def _address_or_none(value: object) -> str | None:
    return _canonical(value) if isinstance(value, str) and len(value) <= 64 else None


def _time(value: object) -> datetime:
    """An instant; nanoseconds are cut to microseconds."""
    found = _time_or_none(value)
    if found is None:
        raise BadLine("no readable time")
    return found


def _time_or_none(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40 or "T" not in value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
