"""The same verdicts, slowly and obviously: manifests are read again for every flow, nothing is compiled or indexed.

It knows the profiles ``api``, ``cilium`` and ``calico`` and everything that ``worlds.py`` can generate, no more.
"""

import ipaddress
from typing import Any, NamedTuple

ALLOW, DENY, UNKNOWN, CNI = "allow", "deny", "unknown", "cni-dependent"
YES, NO, MAYBE, DEPENDS = "yes", "no", "maybe", "depends"
LOWER = {"Egress": "egress", "Ingress": "ingress"}


class Ask(NamedTuple):
    """One direction of one flow, with everything that the answer may depend on."""

    direction: str
    cluster: dict[str, Any]
    flow: dict[str, Any]
    local: dict[str, Any]
    remote: dict[str, Any]
    profile: str


def both(*truths):
    return next((truth for truth in (NO, MAYBE, DEPENDS) if truth in truths), YES)


def any_of(truths):
    found = list(truths)
    return next((truth for truth in (YES, MAYBE, DEPENDS) if truth in found), NO)


def said(claim):
    return YES if claim else NO


def judge(cluster, policies, flow, profile):
    """The verdict of both directions: (egress, ingress)."""
    source, target = _party(cluster, flow["src"]), _party(cluster, flow["dst"])
    if source["kind"] == target["kind"] == "pod" and source["pod"] is target["pod"]:
        return ALLOW, ALLOW
    flow = {**flow, "target": target}
    return (
        _direction("egress", cluster, policies, flow, source, target, profile),
        _direction("ingress", cluster, policies, flow, target, source, profile),
    )


def _party(cluster, place):
    address = ipaddress.ip_address(place["ip"]) if "ip" in place else None
    for pod in cluster["pods"]:
        own = ipaddress.ip_address(pod["ip"])
        if (place.get("namespace"), place.get("pod")) == (pod["namespace"], pod["name"]) or own == address:
            return {"kind": "pod", "pod": pod, "address": own, "name": place.get("fqdn")}
    return {"kind": "outside", "pod": None, "address": address, "name": place.get("fqdn")}


def _direction(direction, cluster, policies, flow, local, remote, profile):
    if local["kind"] != "pod":
        return ALLOW
    ask = Ask(direction, cluster, flow, local, remote, profile)
    if any(policy["apiVersion"].startswith("projectcalico.org") for policy in policies):
        return _calico(ask, policies)
    return _ordered(ask, _of_tier(policies, "Admin"), lambda: _union(ask, policies))


def _of_tier(policies, tier):
    found = [p for p in policies if p["kind"] == "ClusterNetworkPolicy" and p["spec"]["tier"] == tier]
    return sorted(found, key=lambda p: p["spec"]["priority"])


def _join(matched, otherwise, truth):
    if matched == otherwise:
        return otherwise
    if UNKNOWN in (matched, otherwise):
        return UNKNOWN
    return UNKNOWN if truth == MAYBE else CNI


def _ordered(ask, policies, otherwise):
    """First match over the rules of policies in their order; generated priorities are all different."""
    direction, cluster, flow, local = ask.direction, ask.cluster, ask.flow, ask.local
    steps = []
    for policy in policies:
        subject = policy["spec"]["subject"]
        if not _admin_subject(cluster, subject, local["pod"]):
            continue
        for rule in policy["spec"].get(direction, []):
            steps.append((rule["action"], both(_admin_peers(ask, rule), _admin_ports(rule, flow))))
    answer = None
    for action, truth in reversed([*steps, ("Pass", YES)]):
        outcome = {"Accept": ALLOW, "Deny": DENY}.get(action) or otherwise()
        if truth == YES:
            answer = outcome
        elif truth != NO:
            answer = _join(outcome, answer, truth)
    return answer


def _admin_subject(cluster, subject, pod):
    if "namespaces" in subject:
        return _selects(subject["namespaces"], _namespace_labels(cluster, pod["namespace"]))
    pods = subject["pods"]
    return _selects(pods["namespaceSelector"], _namespace_labels(cluster, pod["namespace"])) and _selects(
        pods["podSelector"], pod["labels"]
    )


def _admin_peers(ask, rule):
    direction, remote, profile = ask.direction, ask.remote, ask.profile
    truths = []
    for peer in rule["to" if direction == "egress" else "from"]:
        if "networks" in peer:
            inside = said(any(_contains(block, remote["address"]) for block in peer["networks"]))
            if remote["address"] is None:
                inside = MAYBE
            reaches = NO if remote["kind"] == "pod" and profile == "cilium" else YES
            truths.append(both(inside, reaches))
        elif "domainNames" in peer:
            truths.append(_any_depth(peer["domainNames"], remote))
        else:
            pods = peer.get("pods") or {"namespaceSelector": peer["namespaces"], "podSelector": {}}
            truths.append(_pod_peer(ask, pods["namespaceSelector"], pods["podSelector"], None))
    return any_of(truths)


def _any_depth(names, remote):
    if remote["kind"] == "pod":
        return NO
    if remote["name"] is None:
        return MAYBE
    return said(
        any(
            remote["name"] == name
            or (name.startswith("*.") and remote["name"].endswith(name[1:]) and remote["name"] != name[2:])
            for name in names
        )
    )


def _admin_ports(rule, flow):
    if not rule.get("protocols"):
        return YES
    for one in rule["protocols"]:
        for protocol in ("tcp", "udp", "sctp"):
            if protocol in one and flow["protocol"] == protocol.upper():
                port = one[protocol]["destinationPort"]
                first = port["range"]["start"] if "range" in port else port["number"]
                last = port["range"]["end"] if "range" in port else port["number"]
                if first <= flow["port"] <= last:
                    return YES
    return NO


def _union(ask, policies):
    """NetworkPolicy and Cilium together, then the baseline tier."""
    direction, cluster, local, profile = ask.direction, ask.cluster, ask.local, ask.profile
    isolated, allowed, denied, explicit = False, [], [], []
    for policy in policies:
        if policy["kind"] == "NetworkPolicy" and policy["apiVersion"].startswith("networking.k8s.io"):
            if not _network_selects(policy, local["pod"]) or direction not in _types(policy["spec"], profile):
                continue
            isolated = True
            allowed += [_network_rule(ask, policy, rule) for rule in policy["spec"].get(direction) or []]
        for spec in _cilium_specs(policy):
            if not _cilium_subject(cluster, policy, spec, local["pod"]):
                continue
            rules, denies = spec.get(direction) or [], spec.get(f"{direction}Deny") or []
            switch = (spec.get("enableDefaultDeny") or {}).get(direction)
            isolated = isolated or (bool(rules or denies) if switch is None else switch)
            explicit += [_cilium_rule(ask, policy, rule) for rule in rules]
            denied += [_cilium_rule(ask, policy, rule) for rule in denies]
    baseline = _ordered(ask, _of_tier(policies, "Baseline"), lambda: ALLOW)
    closed = DENY if isolated else baseline
    if isolated and profile == "cilium" and _baseline_speaks(ask, policies):
        closed = baseline
    answer = closed
    for truth in (any_of([*(allowed if isolated else []), *explicit]),):
        answer = ALLOW if truth == YES else answer if truth == NO else _join(ALLOW, answer, truth)
    truth = any_of(denied)
    return DENY if truth == YES else answer if truth == NO else _join(DENY, answer, truth)


def _baseline_speaks(ask, policies):
    """Whether some baseline rule matches, so that the tier's answer is more than the absence of one."""
    spoken = _ordered(ask, _of_tier(policies, "Baseline"), lambda: "silence")
    return spoken != "silence"


def _network_selects(policy, pod):
    return policy["metadata"]["namespace"] == pod["namespace"] and _selects(
        policy["spec"]["podSelector"], pod["labels"]
    )


def _types(spec, profile):
    found = {LOWER[one] for one in spec["policyTypes"]} if spec.get("policyTypes") else {"ingress"}
    if not spec.get("policyTypes") and spec.get("egress"):
        found.add("egress")
    if profile == "cilium":
        found |= {direction for direction in ("egress", "ingress") if spec.get(direction)}
    return found


def _network_rule(ask, policy, rule):
    direction, flow = ask.direction, ask.flow
    peers = rule.get("to" if direction == "egress" else "from")
    namespace = policy["metadata"]["namespace"]
    matched = any_of(_network_peer(ask, peer, namespace) for peer in peers) if peers else YES
    return both(matched, _network_ports(rule.get("ports"), flow))


def _network_peer(ask, peer, namespace):
    remote, profile = ask.remote, ask.profile
    if "ipBlock" in peer:
        if remote["address"] is None:
            return MAYBE
        written = peer["ipBlock"]
        inside = _contains(written["cidr"], remote["address"]) and not any(
            _contains(hole, remote["address"]) for hole in written.get("except") or []
        )
        reaches = YES if remote["kind"] == "outside" else {"api": DEPENDS, "cilium": NO, "calico": YES}[profile]
        return both(said(inside), reaches)
    return _pod_peer(ask, peer.get("namespaceSelector"), peer.get("podSelector") or {}, namespace)


def _pod_peer(ask, namespaces, pods, namespace):
    cluster, remote, profile = ask.cluster, ask.remote, ask.profile
    if remote["kind"] == "outside":
        negative = all(
            e["operator"] in ("NotIn", "DoesNotExist") for s in (namespaces or {}, pods) for e in _expressions(s)
        )
        return said(profile == "cilium" and namespaces is not None and _expressions(namespaces) and negative)
    pod = remote["pod"]
    if namespaces is None:
        placed = pod["namespace"] == namespace
    else:
        placed = _selects(namespaces, _namespace_labels(cluster, pod["namespace"]))
    return said(placed and _selects(pods, pod["labels"]))


def _network_ports(ports, flow):
    if not ports:
        return YES
    return any_of(said(_network_port(port, flow)) for port in ports)


def _network_port(port, flow):
    protocol = port.get("protocol") or "TCP"
    if protocol != flow["protocol"]:
        return False
    if "port" not in port:
        return True
    if isinstance(port["port"], str):
        return flow["port"] in _named(flow["target"], port["port"], flow["protocol"])
    return port["port"] <= flow["port"] <= port.get("endPort", port["port"])


def _named(party, name, protocol):
    if party["kind"] != "pod":
        return []
    return [
        p["containerPort"]
        for p in party["pod"].get("ports") or []
        if (p["name"], p.get("protocol", "TCP")) == (name, protocol)
    ]


def _expressions(selector):
    found = [
        {"key": key, "operator": "In", "values": [value]} for key, value in (selector.get("matchLabels") or {}).items()
    ]
    return found + list(selector.get("matchExpressions") or [])


def _selects(selector, labels):
    for one in _expressions(selector):
        has = one["key"] in labels
        listed = has and labels[one["key"]] in (one.get("values") or [])
        if not {"In": listed, "NotIn": not listed, "Exists": has, "DoesNotExist": not has}[one["operator"]]:
            return False
    return True


def _namespace_labels(cluster, namespace):
    return {"kubernetes.io/metadata.name": namespace, **cluster["namespaces"][namespace]}


def _contains(block, address):
    network = ipaddress.ip_network(block)
    return address is not None and network.version == address.version and address in network


def _cilium_specs(policy):
    if not policy["apiVersion"].startswith("cilium.io"):
        return []
    return [policy["spec"]] if "spec" in policy else policy["specs"]


def _cilium_subject(cluster, policy, spec, pod):
    here = policy["metadata"].get("namespace", pod["namespace"]) == pod["namespace"]
    return here and _selects(_plain(spec["endpointSelector"]), _cilium_labels(cluster, pod))


def _plain(selector):
    """The selector without the sources of its keys."""
    return {
        "matchExpressions": [
            {**one, "key": one["key"].removeprefix("k8s:").removeprefix("any:")} for one in _expressions(selector)
        ]
    }


def _cilium_labels(cluster, pod):
    namespace = {
        f"io.cilium.k8s.namespace.labels.{key}": value
        for key, value in _namespace_labels(cluster, pod["namespace"]).items()
    }
    return {"io.kubernetes.pod.namespace": pod["namespace"], **namespace, **pod["labels"]}


def _cilium_rule(ask, policy, rule):
    flow = ask.flow
    return both(_cilium_peers(ask, policy, rule), _cilium_ports(rule.get("toPorts"), flow))


def _cilium_peers(ask, policy, rule):
    direction, cluster, remote = ask.direction, ask.cluster, ask.remote
    prefix = "to" if direction == "egress" else "from"
    given = {key.removeprefix(prefix): value for key, value in rule.items() if key != "toPorts"}
    if not given:
        return said(bool(rule.get("toPorts")))
    ((kind, written),) = given.items()
    if kind == "Endpoints":
        return any_of(_endpoint(cluster, policy, one, remote) for one in written)
    if kind == "Entities":
        inside = remote["kind"] == "pod"
        return said(any({"all": True, "world": not inside, "cluster": inside}[one] for one in written))
    if kind == "FQDNs":
        return any_of(_fqdn(one, remote) for one in written)
    if remote["kind"] == "pod" or not written:
        return NO
    if remote["address"] is None:
        return MAYBE
    blocks = (
        [(one, []) for one in written]
        if kind == "CIDR"
        else [(one["cidr"], one.get("except") or []) for one in written]
    )
    return said(
        any(
            _contains(block, remote["address"]) and not any(_contains(hole, remote["address"]) for hole in holes)
            for block, holes in blocks
        )
    )


def _endpoint(cluster, policy, selector, remote):
    keys = [one["key"] for one in _plain(selector)["matchExpressions"]]
    if remote["kind"] != "pod":
        if "io.kubernetes.pod.namespace" in keys or not any(key.startswith("io.cilium") for key in keys):
            return NO if "io.kubernetes.pod.namespace" not in keys else said(_selects(_plain(selector), {}))
        return said("namespace" in policy["metadata"] and _selects(_plain(selector), {}))
    pod = remote["pod"]
    if (
        not any(
            key == "io.kubernetes.pod.namespace" or key.startswith("io.cilium.k8s.namespace.labels.") for key in keys
        )
        and policy["metadata"].get("namespace", pod["namespace"]) != pod["namespace"]
    ):
        return NO
    return said(_selects(_plain(selector), _cilium_labels(cluster, pod)))


def _fqdn(one, remote):
    if remote["kind"] == "pod":
        return NO
    name = remote["name"]
    if name is None:
        return MAYBE
    if "matchName" in one:
        return said(name == one["matchName"])
    stars, _, base = one["matchPattern"].partition(".")
    first, _, rest = name.partition(".")
    if stars == "*":
        return said(rest == base and bool(first))
    return said(name.endswith("." + base) and name != "." + base)


def _cilium_ports(port_rules, flow):
    if not port_rules:
        return YES
    for port_rule in port_rules:
        for port in port_rule["ports"]:
            protocol = port.get("protocol", "ANY")
            protocols = ("TCP", "UDP", "SCTP") if protocol == "ANY" else (protocol,)
            if flow["protocol"] not in protocols:
                continue
            if not port["port"].isdigit():
                if flow["port"] in _named(flow["target"], port["port"], flow["protocol"]):
                    return YES
            elif int(port["port"]) == 0 or int(port["port"]) <= flow["port"] <= port.get("endPort", int(port["port"])):
                return YES
    return NO


def _calico(ask, policies):
    """Tiers by order; generated selectors are only ``all()`` and ``key == 'value'``."""
    orders = {"default": 1_000_000}
    ends = {"default": DENY}
    for policy in policies:
        if policy["kind"] == "Tier":
            orders[policy["metadata"]["name"]] = policy["spec"]["order"]
            ends[policy["metadata"]["name"]] = None if policy["spec"].get("defaultAction") == "Pass" else DENY
    answer = _ordered(ask, _of_tier(policies, "Baseline"), lambda: ALLOW)
    for tier in sorted(orders, key=lambda name: orders[name], reverse=True):
        answer = _calico_tier(ask, policies, tier, end=ends[tier], following=answer)
    return _ordered(ask, _of_tier(policies, "Admin"), lambda: answer)


def _calico_tier(ask, policies, tier, *, end, following):
    direction, local, profile = ask.direction, ask.local, ask.profile
    members = []
    for policy in policies:
        if policy["apiVersion"].startswith("projectcalico.org") and policy["kind"].endswith("NetworkPolicy"):
            spec = policy["spec"]
            here = policy["metadata"].get("namespace", local["pod"]["namespace"]) == local["pod"]["namespace"]
            if spec.get("tier", "default") == tier and here and _calico_selects(spec.get("selector"), local["pod"]):
                types = {LOWER[one] for one in spec["types"]}
                order = spec.get("order", float("inf"))
                rules = [(rule["action"], _calico_rule(ask, policy, rule)) for rule in spec.get(direction) or []]
                members.append((order, _origin(policy), direction in types, rules))
        elif policy["kind"] == "NetworkPolicy" and tier == "default" and _network_selects(policy, local["pod"]):
            rules = [("Allow", _network_rule(ask, policy, rule)) for rule in policy["spec"].get(direction) or []]
            members.append((1000, _origin(policy), direction in _types(policy["spec"], profile), rules))
    members = sorted((one for one in members if one[2]), key=lambda one: one[:2])
    if not members:
        return following
    answer = following if end is None else end
    for action, truth in reversed([step for member in members for step in member[3]]):
        outcome = {"Allow": ALLOW, "Deny": DENY, "Pass": following}[action]
        if truth == YES:
            answer = outcome
        elif truth != NO:
            answer = _join(outcome, answer, truth)
    return answer


def _origin(policy):
    kind = policy["kind"] + (".projectcalico.org" if policy["apiVersion"].startswith("projectcalico") else "")
    return f"{kind if policy['kind'] == 'NetworkPolicy' else policy['kind']} " + "/".join(
        policy["metadata"][key] for key in ("namespace", "name") if key in policy["metadata"]
    )


def _calico_selects(selector, pod):
    if not selector or selector == "all()":
        return True
    key, _, value = selector.partition(" == ")
    return pod["labels"].get(key) == value.strip("'")


def _calico_rule(ask, policy, rule):
    direction, flow, remote = ask.direction, ask.flow, ask.remote
    if rule.get("protocol", flow["protocol"]) != flow["protocol"]:
        return NO
    destination = rule.get("destination") or {}
    ports = destination.get("ports")
    if ports and not any(int(str(p).split(":")[0]) <= flow["port"] <= int(str(p).split(":")[-1]) for p in ports):
        return NO
    end = destination if direction == "egress" else rule.get("source") or {}
    truths = [YES]
    if "nets" in end:
        inside = said(any(_contains(block, remote["address"]) for block in end["nets"]))
        truths.append(MAYBE if remote["address"] is None else inside)
    if "selector" in end:
        namespace = policy["metadata"].get("namespace")
        pod = remote["pod"]
        found = pod is not None and namespace in (None, pod["namespace"]) and _calico_selects(end["selector"], pod)
        truths.append(said(found))
    return both(*truths)
