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


def send_traffic(*, hours_back: int = HOURS_BACK) -> int:
    """Send what happened on each Cilium cluster up to now, and return the flows taken; twice changes nothing."""
    taken = 0
    for cluster in Cluster.objects.in_service().filter(labels__practice="yes", enforcement_points__dialect="cilium"):
        source = FlowSource.objects.filter(cluster=cluster, name=SOURCE_NAME).first()
        if source is None:
            source, _secret = create_source(actor=person("pia"), cluster_id=cluster.pk, name=SOURCE_NAME)
        now = timezone.now().replace(minute=0, second=0, microsecond=0)
        for back in range(hours_back, 0, -1):
            hour = now - timedelta(hours=back)
            body = "\n".join(_hour_of(cluster.name, hour)).encode()
            taken += ingest(source=source, body=body, batch_key=f"{cluster.name}-{hour:%Y%m%d%H}").flows
    return taken


def _hour_of(cluster: str, hour: datetime) -> list[str]:
    chance = random.Random(f"{SEED}-{cluster}-{hour:%Y%m%d%H}")  # noqa: S311  a demonstration, not a key
    lines = []
    for habit in HABITS:
        for _ in range(habit.per_hour):
            lines.append(_line(cluster, habit, hour + timedelta(seconds=chance.randrange(3600)), chance))
    return lines


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
