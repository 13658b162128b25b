"""``networking.istio.io``: ServiceEntry and Sidecar, as the server and Istio's own webhook judge them."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.kinds import Key, Kind, kind
from policy.validation.schema import Anything, Items, Object, Problem, Shape, Text, TextMap, Whole, below, quoted
from policy.validation.texts import MAXIMUM_PORT, NotANetwork, dns_subdomain, read_network

RESOLUTIONS = ("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS")
VERSIONS = ("v1", "v1beta1", "v1alpha3")
_MAXIMUM_NUMBER = 4_294_967_295
_SOCKET = "unix://"
_CAPTURE_MODES = ("DEFAULT", "IPTABLES", "NONE")
_PORT_NUMBER = Whole(minimum=1, maximum=MAXIMUM_PORT)


def host(text: str) -> str | None:
    """What keeps the text from being a host: a name, perhaps with one leading ``*.``, but not ``*`` alone."""
    if text == "*":
        return "the host cannot be the wildcard alone"
    if dns_subdomain(text.removeprefix("*.").lower().replace("_", "-")):
        return f"{quoted(text)} is no host name: a star may stand only as the whole first label"
    return None


def _address(text: str) -> str | None:
    if "/" not in text:
        return None
    try:
        read_network(text, host_bits=True)
    except NotANetwork as problem:
        return str(problem)
    return None


def _no_star(text: str) -> str | None:
    return "a wildcard is not supported in a selector" if "*" in text else None


def _check_entry(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    resolution = spec.get("resolution") or "NONE"
    if spec.get("workloadSelector") is not None and spec.get("endpoints") is not None:
        yield below(path, "endpoints"), "only one of workloadSelector and endpoints can be set"
    if resolution not in ("NONE", "STATIC") and any("/" in address for address in spec.get("addresses") or []):
        yield below(path, "addresses"), "CIDR addresses are allowed only for the resolutions NONE and STATIC"
    if resolution == "NONE" and spec.get("endpoints") is not None:
        yield below(path, "endpoints"), "the resolution NONE cannot have endpoints"
    if resolution == "DNS_ROUND_ROBIN" and len(spec.get("endpoints") or []) > 1:
        yield below(path, "endpoints"), "the resolution DNS_ROUND_ROBIN has at most one endpoint"
    yield from _check_wildcards(spec, path, resolution=resolution)
    yield from _check_numbers(spec, path)


def _check_wildcards(spec: Mapping[str, Any], path: str, *, resolution: str) -> Iterator[Problem]:
    if resolution in ("NONE", "STATIC", "DYNAMIC_DNS") or spec.get("endpoints"):
        return
    for number, name in enumerate(spec["hosts"]):
        if name.startswith("*"):
            yield (
                f"{below(path, 'hosts')}[{number}]",
                f"the webhook refuses a wildcard with the resolution {resolution}",
            )


def _check_numbers(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    seen: set[int] = set()
    for number, port in enumerate(spec.get("ports") or []):
        if port["number"] in seen:
            yield f"{below(path, 'ports')}[{number}].number", "the port number cannot be duplicated"
        seen.add(port["number"])


def _check_endpoint(endpoint: Mapping[str, Any], path: str) -> Iterator[Problem]:
    address = endpoint.get("address") or ""
    if endpoint.get("address") is None and endpoint.get("network") is None:
        yield below(path, "address"), "required unless a network is given"
    if not address.startswith(_SOCKET):
        return
    if endpoint.get("ports") is not None:
        yield below(path, "ports"), "a socket has no ports"
    if address[len(_SOCKET) : len(_SOCKET) + 1] not in ("/", "@") or address.endswith("/"):
        yield below(path, "address"), "a socket must be an absolute path or an abstract socket"


_WORKLOAD_SELECTOR = Object({"labels": TextMap(Text(maximum=63, check=_no_star), maximum=256)})
_ENDPOINT = Object(
    {
        "address": Text(maximum=256),
        "labels": TextMap(maximum=256),
        "locality": Text(maximum=2048),
        "network": Text(maximum=2048),
        "ports": TextMap(_PORT_NUMBER, maximum=128),
        "serviceAccount": Text(maximum=253),
        "weight": Whole(minimum=0, maximum=_MAXIMUM_NUMBER),
    },
    check=_check_endpoint,
)
_ENTRY_PORT = Object(
    {"name": Text(maximum=256), "number": _PORT_NUMBER, "protocol": Text(maximum=256), "targetPort": _PORT_NUMBER},
    required=("name", "number"),
)
_ENTRY = Object(
    {
        "addresses": Items(Text(maximum=64, check=_address), maximum=256),
        "endpoints": Items(_ENDPOINT, maximum=4096),
        "exportTo": Items(Text()),
        "hosts": Items(Text(check=host), minimum=1, maximum=256),
        "location": Text(choices=("MESH_EXTERNAL", "MESH_INTERNAL")),
        "ports": Items(_ENTRY_PORT, maximum=256, unique_by="name"),
        "resolution": Text(choices=RESOLUTIONS),
        "subjectAltNames": Items(Text()),
        "workloadSelector": _WORKLOAD_SELECTOR,
    },
    required=("hosts",),
    check=_check_entry,
)


def _sidecar_host(text: str) -> str | None:
    namespace, slash, name = text.partition("/")
    if not slash or not namespace or not name or "/" in name:
        return f"{quoted(text)} must be a namespace, a slash and a host, such as ./* or istio-system/*"
    return None


def _sidecar() -> Object:
    number = Whole(minimum=0, maximum=_MAXIMUM_NUMBER)
    port = Object({"name": Text(), "number": number, "protocol": Text(), "targetPort": number})
    listener: dict[str, Shape] = {"bind": Text(), "captureMode": Text(choices=_CAPTURE_MODES), "port": port}
    # How a sidecar takes connections in has no bearing on what may leave; its deeper fields are not judged here.
    ingress = Object(
        {**listener, "connectionPool": Anything(), "defaultEndpoint": Text(), "tls": Anything()}, required=("port",)
    )
    egress = Object({**listener, "hosts": Items(Text(check=_sidecar_host))}, required=("hosts",))
    proxy = Object({"host": Text(), "port": Object({"number": number}), "subset": Text()}, required=("host",))
    outbound = Object({"egressProxy": proxy, "mode": Text(choices=("REGISTRY_ONLY", "ALLOW_ANY"))})
    return Object(
        {
            "egress": Items(egress),
            "ingress": Items(ingress),
            "inboundConnectionPool": Anything(),
            "outboundTrafficPolicy": outbound,
            "workloadSelector": _WORKLOAD_SELECTOR,
        }
    )


KINDS: Mapping[Key, Kind] = {
    **{(f"networking.istio.io/{version}", "ServiceEntry"): kind(_ENTRY, is_namespaced=True) for version in VERSIONS},
    **{
        (f"networking.istio.io/{version}", "Sidecar"): kind(_sidecar(), is_namespaced=True, is_spec_required=False)
        for version in VERSIONS
    },
}
