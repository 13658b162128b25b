"""One practice cluster: a real kube-apiserver with its etcd, on loopback, for as long as this process lives.

It accepts, validates and stores policy like any cluster. It has no nodes and no network plugin, so it enforces nothing.
"""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import yaml

from connectors.access import ClusterAccess, access_from_fields
from connectors.addresses import AddressPolicy
from connectors.errors import AlreadyExists, ConnectorError
from connectors.http import Limits
from connectors.kube import KubeClient, Resource
from connectors.kube.rights import cluster_role, cluster_role_binding
from practice.authority import Authority, Identity
from practice.binary import GUARD, ControlPlaneUnavailable, Programs, ensure_programs

ADMIN = Identity("admin", ("system:masters",))
SALLYPORT = Identity("sallyport")

_LOOPBACK = AddressPolicy(allow_loopback=True)
_CRD = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
#: Who changed which policy object, and nothing else: drift findings can then name the actor.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "userGroups": ["system:apiserver"]},
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "Metadata"},
    ],
}


class ControlPlane:
    """Start it, use it, stop it; its data stays in ``data_dir``, and a second start finds everything as it was.

    ``port=None`` takes a free port, and keeps it over restarts of the same object.
    """

    def __init__(
        self,
        *,
        name: str,
        data_dir: Path,
        port: int | None = None,
        programs: Programs | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.data_dir = data_dir
        self.port = port or _free_port()
        self._programs = programs
        self._flags = tuple(flags)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._sockets: tempfile.TemporaryDirectory[str] | None = None
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.authority = Authority(data_dir / "trust")
        for identity in (ADMIN, SALLYPORT):
            self.authority.add_identity(identity)

    # Life

    def start(self, *, timeout: float = 60.0) -> None:
        """Return when the API server is ready and knows the ``sallyport`` identity; starting twice does nothing."""
        if self.is_running:
            return
        programs = self._programs or ensure_programs()
        self._write_audit_policy()
        # The store listens on a Unix socket, whose path must be shorter than many data folders are deep.
        self._sockets = tempfile.TemporaryDirectory(prefix="kubeapi-")
        try:
            for command in self._commands(programs):
                self._processes.append(self._spawn(command))
            self._wait_until_ready(timeout)
            self._grant_rights()
        except BaseException:
            self.stop()
            raise

    def stop(self, *, timeout: float = 20.0) -> None:
        """Return when every process is gone; stopping what does not run does nothing."""
        for process in reversed(self._processes):
            # The guard takes the closed pipe as the word to stop its command.
            if process.stdin is not None:
                process.stdin.close()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self._processes.clear()
        if self._sockets is not None:
            self._sockets.cleanup()
            self._sockets = None

    @property
    def is_running(self) -> bool:
        return bool(self._processes) and all(process.poll() is None for process in self._processes)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # How to reach it

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_pem(self) -> str:
        return self.authority.ca_pem

    @property
    def admin_token(self) -> str:
        return self.authority.token(ADMIN.user)

    @property
    def sallyport_token(self) -> str:
        return self.authority.token(SALLYPORT.user)

    @property
    def log_path(self) -> Path:
        return self.data_dir / "server.log"

    @property
    def audit_log_path(self) -> Path:
        return self.data_dir / "audit.log"

    def access(self, user: str = "sallyport") -> ClusterAccess:
        return access_from_fields(server=self.server, ca_pem=self.ca_pem, token=self.authority.token(user))

    def certificate_access(self, identity: Identity) -> ClusterAccess:
        """Access as ``identity`` by a fresh client certificate instead of a token."""
        certificate, key = self.authority.client_certificate(identity)
        return access_from_fields(
            server=self.server, ca_pem=self.ca_pem, client_certificate_pem=certificate, client_key_pem=key
        )

    def client(self, user: str = "sallyport", *, limits: Limits | None = None) -> KubeClient:
        return KubeClient(access=self.access(user), address_policy=_LOOPBACK, limits=limits)

    def kubeconfig(self, user: str = "sallyport") -> str:
        """A kubeconfig as a person would paste it, for ``sallyport`` or ``admin``."""
        return kubeconfig_text(name=self.name, access=self.access(user))

    # What is in it

    def create_namespace(self, name: str, *, labels: dict[str, str] | None = None) -> None:
        """Make sure that the namespace is there."""
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {**(labels or {}), "kubernetes.io/metadata.name": name}},
        }
        self.ensure_objects([body])

    def ensure_objects(self, objects: Iterable[dict[str, Any]]) -> None:
        """Create, as the administrator, those of ``objects`` that are not there yet."""
        with self.client(ADMIN.user) as client:
            for obj in objects:
                with contextlib.suppress(AlreadyExists):
                    client.create(obj)

    def install_crds(self, *, cilium: bool = False, folders: Iterable[Path] = (), timeout: float = 30.0) -> None:
        """Install Cilium's kinds and those in ``folders``, and return when every one of them is served."""
        manifests = list(self._cilium_crds()) if cilium else []
        for folder in folders:
            for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
                manifests += [one for one in yaml.safe_load_all(path.read_text()) if isinstance(one, dict)]
        manifests = [one for one in manifests if one.get("kind") == "CustomResourceDefinition"]
        self.ensure_objects(manifests)
        with self.client(ADMIN.user) as client:
            for manifest in manifests:
                _wait_until_established(client, str(manifest["metadata"]["name"]), timeout)

    def _cilium_crds(self) -> Iterator[dict[str, Any]]:
        programs = self._programs or ensure_programs()
        if programs.kubeapi is None:
            raise ControlPlaneUnavailable("Cilium's kinds come from our own program, which is not built")
        answer = subprocess.run([str(programs.kubeapi), "crds"], capture_output=True, timeout=60, check=True)
        for line in answer.stdout.splitlines():
            yield orjson.loads(line)

    # Processes

    def _commands(self, programs: Programs) -> Iterator[list[str]]:
        if programs.apiserver is not None and programs.etcd is not None:
            store, peer = f"http://127.0.0.1:{_free_port()}", f"http://127.0.0.1:{_free_port()}"
            yield [
                str(programs.etcd),
                f"--data-dir={self.data_dir / 'etcd-store'}",
                "--unsafe-no-fsync",
                f"--listen-client-urls={store}",
                f"--advertise-client-urls={store}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ]
            yield [str(programs.apiserver), f"--etcd-servers={store}", *self._server_flags()]
        else:
            yield [str(programs.kubeapi), "serve", "--etcd-dir", str(self.data_dir / "etcd"), *self._server_flags()]

    def _server_flags(self) -> list[str]:
        trust = self.authority
        return [
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={trust.serving_path}",
            f"--tls-private-key-file={trust.serving_key_path}",
            f"--client-ca-file={trust.ca_path}",
            f"--token-auth-file={trust.tokens_path}",
            "--authorization-mode=RBAC",
            "--anonymous-auth=false",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={trust.account_key_path}",
            f"--service-account-signing-key-file={trust.account_key_path}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
            # Nobody but us is here: no endpoints to keep, no rush hour to fair-share.
            "--endpoint-reconciler-type=none",
            "--profiling=false",
            f"--audit-policy-file={self._audit_policy_path}",
            f"--audit-log-path={self.audit_log_path}",
            "--audit-log-maxsize=20",
            "--audit-log-maxbackup=1",
            *self._flags,
        ]

    @property
    def _audit_policy_path(self) -> Path:
        return self.data_dir / "audit-policy.json"

    def _write_audit_policy(self) -> None:
        self._audit_policy_path.write_bytes(orjson.dumps(_AUDIT_POLICY))

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", str(GUARD), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.data_dir,
                env=_clean_environment(temporary=self._sockets.name if self._sockets else tempfile.gettempdir()),
                # A Ctrl-C in the terminal is for the command that started us; it then stops the guard in order.
                start_new_session=True,
            )

    def _wait_until_ready(self, timeout: float) -> None:
        over_at = time.monotonic() + timeout
        with self.client(ADMIN.user, limits=Limits(connect=1, read=5, total=5)) as client:
            while time.monotonic() < over_at:
                if not self.is_running:
                    raise ControlPlaneUnavailable(f"The control plane ended at once: {self._last_words()}")
                with contextlib.suppress(ConnectorError):
                    if client.readiness().is_ready:
                        return
                time.sleep(0.1)
        raise ControlPlaneUnavailable(f"The control plane was not ready after {timeout:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        try:
            lines = self.log_path.read_bytes()[-4000:].decode("utf-8", errors="replace").splitlines()
        except OSError:
            return "it left no log"
        return " / ".join(lines[-3:])[-600:]

    def _grant_rights(self) -> None:
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": SALLYPORT.user}
        self.ensure_objects([cluster_role(), cluster_role_binding(subject=subject)])

    def __repr__(self) -> str:
        return f"ControlPlane({self.name!r}, {self.server})"


def kubeconfig_text(*, name: str, access: ClusterAccess) -> str:
    """``access`` as a kubeconfig, in the form that ``kubectl config view --raw`` prints."""
    user = {"token": access.token} if access.token is not None else _certificate_user(access)
    cluster = {"server": str(access.server), "certificate-authority-data": _base64(access.ca_pem)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": "sallyport", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "sallyport"}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _certificate_user(access: ClusterAccess) -> dict[str, str]:
    return {
        "client-certificate-data": _base64(access.client_certificate_pem or ""),
        "client-key-data": _base64(access.client_key_pem or ""),
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _wait_until_established(client: KubeClient, name: str, timeout: float) -> None:
    over_at = time.monotonic() + timeout
    while time.monotonic() < over_at:
        found = client.find(_CRD, name=name)
        conditions = ((found or {}).get("status") or {}).get("conditions") or []
        if any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions):
            return
        time.sleep(0.05)
    raise ControlPlaneUnavailable(f"{name} was not served after {timeout:.0f} s")


def _clean_environment(*, temporary: str) -> dict[str, str]:
    """The server needs no secret of ours; proxies in the environment would only mislead it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TMPDIR": temporary}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
