"""A kubeconfig from a stranger, read without trusting it.

A kubeconfig can name programs to run, files to read, proxies to go through and checks to skip. Here it is data: the
current context's server, authority and one credential are taken, and whatever else would change how or as whom we
connect is refused by name. Nothing that was pasted appears in a message, except the names of fields.
"""

from __future__ import annotations

from connectors.access import ClusterAccess, FieldNames, access_from_fields, decode_base64_text
from connectors.errors import InvalidAccess, InvalidCredential, Problem
from connectors.strict_yaml import Node, joined, read_document

_FILE = "reads a file of the machine that uses it; paste the data itself instead"
_IMPERSONATION = "acting as somebody else is not accepted; register the identity that is meant"

_REFUSED_CLUSTER_FIELDS = {
    "certificate-authority": f"{_FILE} (certificate-authority-data)",
    "insecure-skip-tls-verify": "the server must be verified; give certificate-authority-data",
    "proxy-url": "a proxy is never taken from a kubeconfig",
    "tls-server-name": "the certificate must be valid for the server's own address",
}
_REFUSED_USER_FIELDS = {
    "exec": "runs a program to get a credential; give a token or a client certificate instead",
    "auth-provider": "needs a login plugin; give a token or a client certificate instead",
    "tokenFile": f"{_FILE} (token)",
    "client-certificate": f"{_FILE} (client-certificate-data)",
    "client-key": f"{_FILE} (client-key-data)",
    "username": "passwords are not accepted; give a token or a client certificate instead",
    "password": "passwords are not accepted; give a token or a client certificate instead",
    "as": _IMPERSONATION,
    "as-uid": _IMPERSONATION,
    "as-groups": _IMPERSONATION,
    "as-user-extra": _IMPERSONATION,
    "impersonate": _IMPERSONATION,
    "impersonate-groups": _IMPERSONATION,
    "impersonate-uid": _IMPERSONATION,
    "impersonate-user-extra": _IMPERSONATION,
}
#: Carries no meaning for a connection; every tool writes some of it.
_IGNORED = frozenset({"extensions", "disable-compression"})
_TOP_FIELDS = frozenset(
    {"apiVersion", "kind", "preferences", "clusters", "users", "contexts", "current-context", "extensions"}
)
_CLUSTER_FIELDS = frozenset({"server", "certificate-authority-data"}) | _IGNORED
_USER_FIELDS = frozenset({"token", "client-certificate-data", "client-key-data"}) | _IGNORED
_CONTEXT_FIELDS = frozenset({"cluster", "user", "namespace"}) | _IGNORED


def parse_kubeconfig(text: str) -> ClusterAccess:
    """The access that the current context names; raises ``InvalidAccess`` with every field at fault otherwise."""
    document = read_document(text)
    if not isinstance(document, dict):
        raise _refused("", "this is not a kubeconfig")
    return _Kubeconfig(document).access()


def _refused(field: str, message: str) -> InvalidAccess:
    return InvalidAccess((Problem(field, message),))


class _Kubeconfig:
    """One parsed document on its way to an access; problems are collected so that a person sees all of them at once."""

    def __init__(self, document: dict[str, Node]) -> None:
        self._document = document
        self._problems: list[Problem] = []

    def access(self) -> ClusterAccess:
        self._check_top()
        context_path, context = self._named("contexts", "context", self._text("current-context", self._document))
        self._check_fields(context_path, context, allowed=_CONTEXT_FIELDS, refused={})
        cluster_name = self._text(f"{context_path}.cluster", context)
        user_name = self._text(f"{context_path}.user", context)
        cluster_path, cluster = self._named("clusters", "cluster", cluster_name)
        user_path, user = self._named("users", "user", user_name)
        self._check_fields(cluster_path, cluster, allowed=_CLUSTER_FIELDS, refused=_REFUSED_CLUSTER_FIELDS)
        self._check_fields(user_path, user, allowed=_USER_FIELDS, refused=_REFUSED_USER_FIELDS)
        return self._build(cluster_path, cluster, user_path, user)

    def _build(
        self, cluster_path: str, cluster: dict[str, Node], user_path: str, user: dict[str, Node]
    ) -> ClusterAccess:
        names = FieldNames(
            server=f"{cluster_path}.server",
            ca_pem=f"{cluster_path}.certificate-authority-data",
            token=f"{user_path}.token",
            client_certificate_pem=f"{user_path}.client-certificate-data",
            client_key_pem=f"{user_path}.client-key-data",
        )
        server, token = self._optional(names.server, cluster), self._optional(names.token, user)
        authority = self._decoded(names.ca_pem, cluster)
        certificate = self._decoded(names.client_certificate_pem, user)
        key = self._decoded(names.client_key_pem, user)
        if self._problems:
            raise InvalidAccess(tuple(self._problems))
        return access_from_fields(
            server=server,
            ca_pem=authority,
            token=token,
            client_certificate_pem=certificate,
            client_key_pem=key,
            names=names,
        )

    def _check_top(self) -> None:
        self._check_fields("", self._document, allowed=_TOP_FIELDS, refused={})
        if self._document.get("apiVersion") not in {"v1", None} or self._document.get("kind") not in {"Config", None}:
            raise _refused("kind", "this is not a kubeconfig (apiVersion v1, kind Config)")

    def _check_fields(
        self, path: str, mapping: dict[str, Node], *, allowed: frozenset[str], refused: dict[str, str]
    ) -> None:
        for key, value in mapping.items():
            where = joined(path, key)
            if key in refused:
                # Tools write "insecure-skip-tls-verify: false" and empty strings; those ask for nothing.
                if value not in {None, "", "false"} if isinstance(value, str | None) else True:
                    self._problems.append(Problem(where, refused[key]))
            elif key not in allowed:
                self._problems.append(Problem(where, "this field is not known here"))

    def _named(self, section: str, kind: str, name: str) -> tuple[str, dict[str, Node]]:
        """The path and content of the one entry of ``section`` that bears ``name``."""
        entries = self._document.get(section)
        if not isinstance(entries, list):
            raise self._fatal(section, "a list is needed")
        matches = [
            index for index, entry in enumerate(entries) if isinstance(entry, dict) and entry.get("name") == name
        ]
        if len(matches) != 1:
            raise self._fatal(section, "no entry bears the name" if not matches else "several entries bear the name")
        entry = entries[matches[0]]
        path = f"{section}[{matches[0]}]"
        content = entry.get(kind) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(content, dict):
            raise self._fatal(f"{path}.{kind}", "a mapping is needed")
        self._check_fields(path, entry, allowed=frozenset({"name", kind}), refused={})
        return f"{path}.{kind}", content

    def _fatal(self, field: str, message: str) -> InvalidAccess:
        return InvalidAccess((*self._problems, Problem(field, message)))

    def _text(self, path: str, mapping: dict[str, Node]) -> str:
        value = mapping.get(path.rsplit(".", 1)[-1])
        if not isinstance(value, str) or not value:
            raise self._fatal(path, "a name is needed")
        return value

    def _optional(self, path: str, mapping: dict[str, Node]) -> str:
        value = mapping.get(path.rsplit(".", 1)[-1])
        if value is None or isinstance(value, str):
            return value or ""
        self._problems.append(Problem(path, "text is needed"))
        return ""

    def _decoded(self, path: str, mapping: dict[str, Node]) -> str:
        encoded = self._optional(path, mapping)
        try:
            return decode_base64_text(encoded)
        except InvalidCredential as error:
            self._problems.append(Problem(path, error.message))
            return ""
