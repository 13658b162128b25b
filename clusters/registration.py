"""How a cluster's access is given: a pasted kubeconfig, or its parts field by field. Nothing given is ever repeated."""

from __future__ import annotations

from django.utils.translation import gettext as _

from clusters.errors import InvalidCluster
from connectors.access import ClusterAccess, FieldNames, access_from_fields
from connectors.errors import InvalidAccess
from connectors.kubeconfig import parse_kubeconfig

_NAMES = FieldNames(
    server="server",
    ca_pem="ca_certificate",
    token="token",  # noqa: S106  the name of a field
    client_certificate_pem="client_certificate",
    client_key_pem="client_key",
)
_CERTIFICATE_LINES = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \r\n")


def read_access(
    *,
    kubeconfig: str = "",
    server: str = "",
    ca_certificate: str = "",
    token: str = "",
    client_certificate: str = "",
    client_key: str = "",
) -> ClusterAccess:
    """The access that was given; raises ``InvalidCluster`` that names every field at fault and quotes none."""
    parts = (server, ca_certificate, token, client_certificate, client_key)
    if kubeconfig.strip():
        if any(part.strip() for part in parts):
            raise InvalidCluster({"kubeconfig": _("Give a kubeconfig or the single fields, not both.")})
        return _read_kubeconfig(kubeconfig)
    try:
        return access_from_fields(
            server=server,
            ca_pem=ca_certificate,
            token=token,
            client_certificate_pem=client_certificate,
            client_key_pem=client_key,
            names=_NAMES,
        )
    except InvalidAccess as error:
        raise _named(error) from None


def may_show_again(text: str) -> bool:
    """Whether a pasted certificate is only that, so that it may stand in the form again. Keys and tokens never may."""
    inner = text.replace("-----BEGIN CERTIFICATE-----", "").replace("-----END CERTIFICATE-----", "")
    return inner != text and set(inner) <= _CERTIFICATE_LINES


def _read_kubeconfig(text: str) -> ClusterAccess:
    try:
        return parse_kubeconfig(text)
    except InvalidAccess as error:
        told = [f"{one.field}: {one.message}" if one.field else one.message for one in error.problems]
        raise InvalidCluster({"kubeconfig": told}) from None


def _named(error: InvalidAccess) -> InvalidCluster:
    fields: dict[str, list[str]] = {}
    for problem in error.problems:
        fields.setdefault(problem.field, []).append(problem.message)
    return InvalidCluster(fields)
