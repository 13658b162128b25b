"""Flows of the demonstration: Hubble export lines sent through the ordinary ingest, allowed and denied."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from clusters.models import Cluster
from config.demo.people import person
from flows.models import FlowSource
from flows.services import create_source, ingest

HOURS_BACK = 72
MINUTE = 60
SOURCE_NAME = "hubble"
# The same traffic every time: a demonstration that differs from run to run cannot be talked about.
SEED = 20


@dataclass(frozen=True)
class Habit:
    """Something that a workload does every so often."""

    namespace: str
    workload: str
    name: str
    address: str
    port: int
    allowed: bool
    per_hour: int


HABITS = (
    Habit("checkout", "api", "api.stripe.com", "198.18.0.10", 443, True, 9),
    Habit("checkout", "worker", "checkout.adyen.com", "198.18.0.20", 443, True, 4),
    Habit("billing", "invoices", "", "203.0.113.5", 8443, True, 1),
    Habit("shop", "images", "images.example-cdn.net", "198.18.0.30", 443, True, 12),
    Habit("login", "sso", "login.microsoftonline.com", "198.18.0.40", 443, True, 6),
    Habit("checkout", "worker", "api.paypal.com", "198.18.0.50", 443, False, 3),
    Habit("shop", "web", "fonts.gstatic.com", "198.18.0.60", 443, False, 5),
    Habit("warehouse", "exports", "", "198.51.100.77", 22, False, 1),
)


def send_history() -> int:
    """Send what happened on each Cilium cluster in the last days, hour by hour; twice changes nothing."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(HOURS_BACK, 0, -1)]
    return sum(_send(source, hour, seconds=3600, share=1) for source in _sources() for hour in hours)


def send_last_minute() -> int:
    """Send what happened in the last minute, so that what has just been allowed is seen in use."""
    start = timezone.now() - timedelta(seconds=MINUTE)
    return sum(_send(source, start, seconds=MINUTE, share=MINUTE / 3600) for source in _sources())


def _sources() -> list[FlowSource]:
    sources = []
    for cluster in Cluster.objects.in_service().filter(labels__practice="yes", enforcement_points__dialect="cilium"):
        source = FlowSource.objects.filter(cluster=cluster, name=SOURCE_NAME).first()
        if source is None:
            source, _secret = create_source(actor=person("pia"), cluster_id=cluster.pk, name=SOURCE_NAME)
        sources.append(source)
    return sources


def _send(source: FlowSource, start: datetime, *, seconds: int, share: float) -> int:
    """One batch: what the habits do from ``start`` on, ``share`` of an hour's worth and at least one flow each."""
    cluster = source.cluster.name
    chance = random.Random(f"{SEED}-{cluster}-{start:%Y%m%d%H%M}")  # noqa: S311  a demonstration, not a key
    times = [
        (habit, start + timedelta(seconds=chance.randrange(seconds)))
        for habit in HABITS
        for _ in range(max(1, round(habit.per_hour * share)))
    ]
    body = "\n".join(_line(cluster, habit, at, chance) for habit, at in times).encode()
    return ingest(source=source, body=body, batch_key=f"{cluster}-{start:%Y%m%d%H%M%S}-{seconds}").flows


def _line(cluster: str, habit: Habit, at: datetime, chance: random.Random) -> str:
    flow: dict[str, Any] = {
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
        "verdict": "FORWARDED" if habit.allowed else "DROPPED",
        "IP": {"source": f"10.0.1.{chance.randrange(2, 250)}", "destination": habit.address, "ipVersion": "IPv4"},
        "l4": {
            "TCP": {
                "source_port": chance.randrange(32768, 60999),
                "destination_port": habit.port,
                "flags": {"SYN": True},
            }
        },
        "source": {
            "cluster_name": cluster,
            "namespace": habit.namespace,
            "labels": [f"k8s:app={habit.workload}", f"k8s:io.kubernetes.pod.namespace={habit.namespace}"],
            "pod_name": f"{habit.workload}-5d9c7b-{chance.randrange(10000, 99999)}",
            "workloads": [{"name": habit.workload, "kind": "Deployment"}],
        },
        "destination": {"labels": ["reserved:world"]},
        "Type": "L3_L4",
        "traffic_direction": "EGRESS",
        "is_reply": False,
        "trace_observation_point": "TO_STACK" if habit.allowed else "UNKNOWN_POINT",
        "event_type": {"type": 4 if habit.allowed else 1},
    }
    if habit.name:
        flow["destination_names"] = [habit.name]
    if not habit.allowed:
        flow["drop_reason_desc"] = "POLICY_DENIED"
    return json.dumps({"flow": flow, "node_name": f"{cluster}/node-1", "time": flow["time"]})
