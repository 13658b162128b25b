"""Lines as Hubble's exporter writes them, and the sources that send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import orjson
from django.utils import timezone

from clusters.models import Cluster
from flows.models import FlowSource
from flows.services import create_source
from tests import factories
from tests.clusters import factories as fleet

_connections = count()


def stamp(at: datetime) -> str:
    """As Go prints it: nanoseconds and Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


def event(
    *,
    at: datetime | None = None,
    namespace: str = "shop",
    workload: str = "checkout",
    pod: str = "checkout-7d4b9c6f8b-x2x9z",
    labels: tuple[str, ...] = ("k8s:app=checkout",),
    names: tuple[str, ...] = ("api.example.com",),
    address: str = "203.0.113.10",
    port: int = 443,
    protocol: str = "TCP",
    verdict: str = "FORWARDED",
    source_port: int | None = None,
    **flow: object,
) -> dict:
    at = at or timezone.now() - timedelta(minutes=1)
    content: dict[str, object] = {
        "time": stamp(at),
        "verdict": verdict,
        "IP": {"source": "10.0.1.17", "destination": address, "ipVersion": "IPv4"},
        "l4": {
            protocol: {
                "source_port": source_port or 20_000 + next(_connections) % 40_000,
                "destination_port": port,
                "flags": {"SYN": True},
            }
        },
        "source": {
            "identity": 4711,
            "cluster_name": "someone-elses",
            "namespace": namespace,
            "labels": list(labels),
            "pod_name": pod,
            "workloads": [{"name": workload, "kind": "Deployment"}] if workload else [],
        },
        "destination": {"identity": 2, "labels": ["reserved:world"]},
        "destination_names": list(names),
        "Type": "L3_L4",
        "traffic_direction": "EGRESS",
        "trace_observation_point": "TO_STACK",
        "is_reply": False,
    }
    content.update(flow)
    return {"flow": content, "node_name": "someone-elses/node-1", "time": stamp(at)}


def dns_answer(*, at: datetime, name: str, addresses: tuple[str, ...], pod: str = "checkout-7d4b9c6f8b-x2x9z") -> dict:
    return event(
        at=at,
        traffic_direction="INGRESS",
        is_reply=True,
        source={"namespace": "kube-system", "pod_name": "coredns-1"},
        destination={"namespace": "shop", "pod_name": pod},
        l7={"type": "RESPONSE", "dns": {"query": f"{name}.", "ips": list(addresses), "ttl": 30, "qtypes": ["A"]}},
    )


def lost(*, at: datetime, number: str = "17") -> dict:
    return {
        "lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": number},
        "node_name": "someone-elses/node-1",
        "time": stamp(at),
    }


def body(*events: dict | bytes) -> bytes:
    return b"".join((one if isinstance(one, bytes) else orjson.dumps(one)) + b"\n" for one in events)


def source(cluster: Cluster | None = None, *, name: str = "hubble") -> tuple[FlowSource, str]:
    cluster = cluster or fleet.cluster()
    return create_source(actor=factories.platform_engineer(), cluster_id=cluster.pk, name=name)
