"""What each target makes of the objects we write for it: small, slow readings of its rules, independent of the
compilers.

Each answers for one flow from a pod of the namespace. Ordered targets are read in their order; where nothing
matches, the target's own default applies, so a missing default deny shows as a flow that passes.
"""

import re
from functools import lru_cache
from ipaddress import ip_network

import yaml

from tests.policy.compilers.flows import Flow

network = lru_cache(maxsize=4_096)(ip_network)


def in_networks(flow: Flow, networks, excepts=()) -> bool:
    if flow.address is None:
        return False
    return _in_any(flow.address, networks) and not _in_any(flow.address, excepts)


def _in_any(address, networks) -> bool:
    return any(address in network(net) for net in networks if network(net).version == address.version)


def any_depth(name: str | None, pattern: str) -> bool:
    if name is None:
        return False
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def one_label(name: str | None, pattern: str) -> bool:
    """``*`` stays inside a label; ``**.`` in front is one or more of them."""
    if name is None:
        return False
    if pattern.startswith("**."):
        return name.endswith(pattern[2:])
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]*"), name) is not None


def has_labels(flow: Flow, selector) -> bool:
    return all(flow.labels.get(key) == value for key, value in (selector or {}).get("matchLabels", {}).items())


def standard_ports(flow: Flow, ports) -> bool:
    if not ports:
        return True
    for port in ports:
        if port["protocol"] not in (flow.protocol, "ALL"):
            continue
        if "port" not in port or port["port"] <= (flow.port or 0) <= port.get("endPort", port["port"]):
            return True
    return False


def read_standard(objects, flow: Flow) -> bool:
    selected = [item for item in objects if has_labels(flow, item["spec"]["podSelector"])]
    if not selected:
        return True
    return any(_standard_rule(rule, flow) for item in selected for rule in item["spec"]["egress"])


def _standard_rule(rule, flow: Flow) -> bool:
    if "matches" in rule:
        texts = [match.get("name") or match["pattern"] for match in rule["matches"]]
        return any(one_label(flow.name, text) for text in texts) and standard_ports(flow, rule.get("ports"))
    return any(_standard_peer(peer, flow) for peer in rule["to"]) and standard_ports(flow, rule.get("ports"))


def _standard_peer(peer, flow: Flow) -> bool:
    if "domainNames" in peer:
        return any(any_depth(flow.name, text) for text in peer["domainNames"])
    block = peer.get("ipBlock")
    return block is not None and in_networks(flow, [block["cidr"]], block.get("except", ()))


def read_cilium(objects, flow: Flow) -> bool:
    groups = {o["metadata"]["name"]: o["spec"]["externalCIDRs"] for o in objects if o["kind"] == "CiliumCIDRGroup"}
    specs = [spec for item in objects for spec in item.get("specs", ())]
    chosen = [spec for spec in specs if _cilium_selects(spec["endpointSelector"], flow)]
    if not any(spec.get("egress") is not None for spec in chosen):
        return True
    for spec in chosen:
        if any(in_networks(flow, rule["toCIDR"]) for rule in spec.get("egressDeny", ())):
            return False
    return any(_cilium_rule(rule, flow, groups) for spec in chosen for rule in spec["egress"] if rule)


def _cilium_selects(selector, flow: Flow) -> bool:
    labels = {key.removeprefix("k8s:"): value for key, value in selector.get("matchLabels", {}).items()}
    if labels.pop("io.kubernetes.pod.namespace", "shop") != "shop":
        return False
    return all(flow.labels.get(key) == value for key, value in labels.items())


def _cilium_rule(rule, flow: Flow, groups) -> bool:
    kinds = [key for key in rule if key.startswith("to") and key != "toPorts"]
    assert len(kinds) == 1
    assert not ("icmps" in rule and "toPorts" in rule)
    if not _cilium_where(rule, flow, groups):
        return False
    if "icmps" in rule:
        return flow.protocol == "ICMP"
    return "toPorts" not in rule or any(_cilium_ports(part, flow) for part in rule["toPorts"])


def _cilium_where(rule, flow: Flow, groups) -> bool:
    for item in rule.get("toCIDRSet", ()):
        networks = groups[item["cidrGroupRef"]] if "cidrGroupRef" in item else [item["cidr"]]
        if in_networks(flow, networks, item.get("except", ())):
            return True
    if in_networks(flow, rule.get("toCIDR", ())):
        return True
    texts = [part.get("matchName") or part["matchPattern"] for part in rule.get("toFQDNs", ())]
    return any(one_label(flow.name, text) for text in texts)


def _cilium_ports(part, flow: Flow) -> bool:
    assert len(part["ports"]) <= 40
    return any(
        port["protocol"] in (flow.protocol, "ANY")
        and int(port["port"]) <= (flow.port or 0) <= port.get("endPort", int(port["port"]))
        for port in part["ports"]
    )


def read_calico(objects, flow: Flow) -> bool:
    policies = [item["spec"] for item in objects if item["kind"].endswith("NetworkPolicy")]
    chosen = sorted((one for one in policies if _calico_selects(one["selector"], flow)), key=lambda one: one["order"])
    if not chosen:
        return True
    sets = {
        o["metadata"]["labels"]["sallyport.dev/networks-of"]: o["spec"]["nets"] for o in objects if "nets" in o["spec"]
    }
    # A tier of one's own lies before the default one and passes on, so one list in this order says the same.
    assert {one["tier"] for one in policies} <= {"default", "egress"}
    for rule in (rule for policy in chosen for rule in policy["egress"]):
        if rule["action"] != "Log" and _calico_rule(rule, flow, sets):
            return rule["action"] == "Allow"
    return False


def _calico_selects(selector: str, flow: Flow) -> bool:
    if selector == "all()":
        return True
    parts = [part.split(" == ") for part in selector.split(" && ")]
    return all(flow.labels.get(key) == value.strip("'") for key, value in parts)


def _calico_rule(rule, flow: Flow, sets) -> bool:
    if "protocol" in rule and rule["protocol"].replace("ICMPv6", "ICMP") != flow.protocol:
        return False
    if "ipVersion" in rule and flow.address is not None and flow.address.version != rule["ipVersion"]:
        return False
    where = rule["destination"]
    if "ports" in where and not any(_calico_port(port, flow) for port in where["ports"]):
        return False
    if "selector" in where:
        _, _, passport = where["selector"].partition("sallyport.dev/networks-of == ")
        return bool(passport) and in_networks(flow, sets[passport.strip("'")])
    if "nets" in where:
        return in_networks(flow, where["nets"], where.get("notNets", ()))
    return any(any_depth(flow.name, text) for text in where["domains"])


def _calico_port(port, flow: Flow) -> bool:
    first, _, last = str(port).partition(":")
    return int(first) <= (flow.port or 0) <= int(last or first)


def read_ordered(objects, flow: Flow) -> bool:
    for item in sorted(objects, key=lambda item: item["spec"]["priority"]):
        subject = item["spec"]["subject"]
        if "pods" in subject and not has_labels(flow, subject["pods"]["podSelector"]):
            continue
        assert len(item["spec"]["egress"]) <= 100
        for rule in item["spec"]["egress"]:
            if _ordered_rule(rule, flow):
                assert rule["action"] != "Pass"
                return rule["action"] in ("Accept", "Allow")
    return True


def _ordered_rule(rule, flow: Flow) -> bool:
    if not any(_ordered_peer(peer, flow) for peer in rule["to"]):
        return rule["action"] == "Deny" and flow.name is not None and "0.0.0.0/0" in str(rule["to"])
    if "protocols" in rule:
        return any(_new_port(port, flow) for port in rule["protocols"])
    return "ports" not in rule or any(_old_port(port, flow) for port in rule["ports"])


def _ordered_peer(peer, flow: Flow) -> bool:
    if "networks" in peer:
        return in_networks(flow, peer["networks"])
    return any(any_depth(flow.name, text) for text in peer.get("domainNames", ()))


def _new_port(port, flow: Flow) -> bool:
    ((protocol, body),) = port.items()
    where = body["destinationPort"]
    first, last = (where["number"],) * 2 if "number" in where else (where["range"]["start"], where["range"]["end"])
    assert "number" in where or first < last
    return protocol.upper() == flow.protocol and first <= (flow.port or 0) <= last


def _old_port(port, flow: Flow) -> bool:
    ((_, body),) = port.items()
    first, last = body.get("start", body.get("port")), body.get("end", body.get("port"))
    return body["protocol"] == flow.protocol and first <= (flow.port or 0) <= last


def read_antrea(objects, flow: Flow) -> bool:
    for item in sorted(objects, key=lambda item: item["spec"]["priority"]):
        for rule in item["spec"]["egress"]:
            if has_labels(flow, rule["appliedTo"][0]["podSelector"]) and _antrea_rule(rule, flow):
                return rule["action"] == "Allow"
    return True


def _antrea_rule(rule, flow: Flow) -> bool:
    if "to" in rule and not any(_antrea_peer(peer, flow) for peer in rule["to"]):
        return False
    if "protocols" in rule:
        return flow.protocol == "ICMP" and (flow.address is None or flow.address.version == 4)
    return standard_ports(flow, rule.get("ports"))


def _antrea_peer(peer, flow: Flow) -> bool:
    if "fqdn" in peer:
        pattern = re.escape(peer["fqdn"]).replace(r"\*", ".*")
        return flow.name is not None and re.fullmatch(pattern, flow.name) is not None
    block = peer.get("ipBlock")
    return block is not None and in_networks(flow, [block["cidr"]], block.get("except", ()))


def read_ovn(objects, flow: Flow) -> bool:
    (item,) = objects
    for rule in item["spec"]["egress"]:
        where = rule["to"]
        if "dnsName" in where:
            meant = one_label(flow.name, where["dnsName"])
        else:
            meant = in_networks(flow, [where["cidrSelector"]]) or (flow.name is not None and rule["type"] == "Deny")
        if meant and standard_ports(flow, rule.get("ports")):
            return rule["type"] == "Allow"
    return True


def read_squid(objects, flow: Flow) -> bool:
    if flow.protocol != "TCP":
        return False
    acls, rules = _squid_file(objects[0]["data"]["sallyport.conf"])
    for verdict, *words in rules:
        if all(_squid_acl(word, acls, flow) for word in words):
            return verdict == "allow"
    return True


@lru_cache(maxsize=64)
def _squid_file(text: str):
    lines = [line.split() for line in text.splitlines()]
    acls = {words[1]: words[2:] for words in lines if words[:1] == ["acl"]}
    return acls, [words[1:] for words in lines if words[:1] == ["http_access"]]


def _squid_acl(word: str, acls, flow: Flow) -> bool:
    if word.startswith("!"):
        return not _squid_acl(word[1:], acls, flow)
    if word == "all":
        return True
    kind, *values = acls[word]
    values = [value for value in values if value not in ("-n", "-i")]
    match kind:
        case "src" | "annotate_transaction":
            return True
        case "port":
            return any(_squid_port(value, flow) for value in values)
        case "dst":
            return in_networks(flow, values)
        case "dstdom_regex":
            return flow.name is not None and re.search(values[0], flow.name) is not None
    assert kind == "dstdomain"
    return flow.name is not None and any(
        ("." + flow.name).endswith(v) if v[0] == "." else flow.name == v for v in values
    )


def _squid_port(value: str, flow: Flow) -> bool:
    first, _, last = value.partition("-")
    return int(first) <= (flow.port or 0) <= int(last or first)


def read_security_groups(objects, flow: Flow) -> bool:
    lists = {o["metadata"]["name"]: o["spec"] for o in objects if o["kind"] == "ManagedPrefixList"}
    (groups,) = [o["spec"] for o in objects if o["kind"] == "SecurityGroups"]
    assert groups["revokeDefaultEgress"]
    permissions = [permission for group in groups["groups"] for permission in group["IpPermissions"]]
    return any(_permission(permission, flow, lists) for permission in permissions)


def _permission(permission, flow: Flow, lists) -> bool:
    number = {"6": "tcp", "132": "sctp", "icmpv6": "icmp"}.get(permission["IpProtocol"], permission["IpProtocol"])
    if number not in ("-1", flow.protocol.lower()):
        return False
    if permission.get("FromPort", -1) >= 0 and not permission["FromPort"] <= (flow.port or 0) <= permission["ToPort"]:
        return False
    networks = [one["CidrIp"] for one in permission.get("IpRanges", ())]
    networks += [one["CidrIpv6"] for one in permission.get("Ipv6Ranges", ())]
    for reference in permission.get("PrefixListIds", ()):
        found = lists[reference["PrefixListName"]]
        assert len(found["Entries"]) <= found["MaxEntries"]
        networks += [one["Cidr"] for one in found["Entries"]]
    return in_networks(flow, networks)


def read_network_firewall(objects, flow: Flow) -> bool:
    policy = next(o["spec"] for o in objects if o["kind"] == "NetworkFirewallPolicy")
    assert "aws:drop_established" in policy["StatefulDefaultActions"]
    groups = [o["spec"]["RuleGroup"]["RulesSource"] for o in objects if o["kind"] == "NetworkFirewallRuleGroup"]
    for source in groups:
        if any(_suricata(line, flow) for line in source.get("RulesString", "").splitlines()):
            return True
        targets = source.get("RulesSourceList", {}).get("Targets", ())
        if flow.name and flow.protocol == "TCP" and any(_leading_dot(flow.name, text) for text in targets):
            return True
    return False


def _leading_dot(name: str, text: str) -> bool:
    return ("." + name).endswith(text) if text.startswith(".") else name == text


_SURICATA = re.compile(r"pass (\w+) \$HOME_NET any -> (\S+) (\S+) \((.*)\)")


def _suricata(line: str, flow: Flow) -> bool:
    protocol, where, ports, options = _SURICATA.fullmatch(line).groups()
    if protocol not in ("ip", flow.protocol.lower()) and not (protocol in ("tls", "http") and flow.protocol == "TCP"):
        return False
    if ports != "any" and not any(_suricata_port(part, flow) for part in ports.strip("[]").split(",")):
        return False
    if where == "any":
        return flow.name is not None and _suricata_name(options, flow.name)
    parts = where.strip("[]").split(",")
    return in_networks(flow, [p for p in parts if p[0] != "!"], [p[1:] for p in parts if p[0] == "!"])


def _suricata_port(part: str, flow: Flow) -> bool:
    first, _, last = part.partition(":")
    return int(first) <= (flow.port or 0) <= int(last or first)


def _suricata_name(options: str, name: str) -> bool:
    words = [word.strip() for word in options.split(";")]
    content = next(word.split('"')[1] for word in words if word.startswith("content"))
    buffer = "." + name if "dotprefix" in words else name
    pattern = next((word.split('"')[1].strip("i").strip("/") for word in words if word.startswith("pcre")), "")
    starts = buffer.startswith(content) if "startswith" in words else True
    return buffer.endswith(content) and starts and re.search(pattern, name) is not None


def read_dns_firewall(objects, flow: Flow) -> bool:
    lists = {o["metadata"]["name"]: o["spec"]["Domains"] for o in objects if o["kind"] == "DnsFirewallDomainList"}
    (group,) = [o["spec"] for o in objects if o["kind"] == "DnsFirewallRuleGroup"]
    if flow.name is None:
        return False
    for rule in sorted(group["Rules"], key=lambda rule: rule["Priority"]):
        if any(text == "*" or any_depth(flow.name, text) for text in lists[rule["DomainListName"]]):
            return rule["Action"] == "ALLOW"
    return True


def read_routes(objects, flow: Flow) -> bool:
    routes = objects[0]["spec"]["routes"]
    found = [route for route in routes if in_networks(flow, [route["DestinationCidrBlock"]])]
    best = max(
        found, key=lambda route: ip_network(route["DestinationCidrBlock"]).prefixlen, default={"Blackhole": True}
    )
    return not best.get("Blackhole", False)


@lru_cache(maxsize=64)
def _parsed(text: str):
    return yaml.safe_load(text)


def read_smokescreen(objects, flow: Flow) -> bool:
    acl = _parsed(objects[0]["data"]["acl.yaml"])
    assert acl["default"]["action"] == "enforce"
    (service,) = acl["services"]
    return flow.protocol == "TCP" and any(any_depth(flow.name, text) for text in service["allowed_domains"])


def read_envoy(objects, flow: Flow) -> bool:
    rules = _parsed(objects[0]["data"]["rbac.json"])["typed_config"]["rules"]
    assert rules["action"] == "ALLOW"
    if flow.protocol != "TCP":
        return False
    return any(_permitted(one, flow) for policy in rules["policies"].values() for one in policy["permissions"])


def _permitted(permission, flow: Flow) -> bool:
    ((kind, body),) = permission.items()
    match kind:
        case "and_rules":
            return all(_permitted(one, flow) for one in body["rules"])
        case "or_rules":
            return any(_permitted(one, flow) for one in body["rules"])
        case "not_rule":
            return not _permitted(body, flow)
        case "destination_ip":
            return in_networks(flow, [f"{body['address_prefix']}/{body['prefix_len']}"])
        case "destination_port_range":
            return body["start"] <= (flow.port or 0) < body["end"]
    assert kind == "requested_server_name"
    if flow.name is None:
        return False
    return flow.name == body["exact"] if "exact" in body else bool(re.fullmatch(body["safe_regex"]["regex"], flow.name))


def read_istio(objects, flow: Flow) -> bool:
    (sidecar,) = [o["spec"] for o in objects if o["kind"] == "Sidecar"]
    assert sidecar["outboundTrafficPolicy"]["mode"] == "REGISTRY_ONLY"
    for spec in (o["spec"] for o in objects if o["kind"] == "ServiceEntry"):
        assert spec["exportTo"] == ["."]
        meant = any(any_depth(flow.name, text) for text in spec["hosts"]) or in_networks(
            flow, spec.get("addresses", ())
        )
        if meant and flow.protocol == "TCP" and any(port["number"] == flow.port for port in spec["ports"]):
            return True
    return False


READERS = {
    "adminnetworkpolicy": read_ordered,
    "antrea": read_antrea,
    "aws-clusternetworkpolicy": read_ordered,
    "aws-networkpolicy": read_standard,
    "aws-nfw": read_network_firewall,
    "aws-routes": read_routes,
    "aws-security-group": read_security_groups,
    "calico": read_calico,
    "cilium": read_cilium,
    "clusternetworkpolicy": read_ordered,
    "dns-firewall": read_dns_firewall,
    "envoy": read_envoy,
    "gke": read_standard,
    "istio": read_istio,
    "networkpolicy": read_standard,
    "ovn": read_ovn,
    "smokescreen": read_smokescreen,
    "squid": read_squid,
}
