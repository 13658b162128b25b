"""Lines as Hubble's exporter writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson


def flow(name: str, *, namespace: str, workload: str, verdict: str = "FORWARDED") -> dict[str, object]:
    """One connection of a workload to a name, seen just now."""
    at = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    is_denied = verdict == "DROPPED"
    observed: dict[str, object] = {
        "time": at,
        "verdict": verdict,
        "IP": {"source": "10.0.1.17", "destination": "198.18.0.10", "ipVersion": "IPv4"},
        "l4": {"TCP": {"source_port": 40_000, "destination_port": 443, "flags": {"SYN": True}}},
        "source": {
            # What a record says about its cluster is never believed: the token of the source decides.
            "cluster_name": "whatever-it-says",
            "namespace": namespace,
            "labels": [f"k8s:io.kubernetes.pod.namespace={namespace}", f"k8s:app={workload}"],
            "pod_name": f"{workload}-5d9c7b-12345",
            "workloads": [{"name": workload, "kind": "Deployment"}],
        },
        "destination": {"labels": ["reserved:world"]},
        "destination_names": [name],
        "Type": "L3_L4",
        "traffic_direction": "EGRESS",
        "is_reply": False,
        "trace_observation_point": "UNKNOWN_POINT" if is_denied else "TO_STACK",
        "event_type": {"type": 1 if is_denied else 4},
    }
    if is_denied:
        observed["drop_reason_desc"] = "POLICY_DENIED"
    return {"flow": observed, "node_name": "whatever/node-1", "time": at}


def as_body(lines: list[dict[str, object]]) -> bytes:
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)
