"""Control planes as processes: they keep what they hold, and go with whoever started them."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.kube import NAMESPACES, NETWORK_POLICIES
from connectors.kubeconfig import parse_kubeconfig
from practice import ControlPlane, ControlPlaneUnavailable, Programs
from practice.binary import GUARD


def eventually(claim: Callable[[], bool], *, seconds: float = 15.0) -> bool:
    over_at = time.monotonic() + seconds
    while time.monotonic() < over_at:
        if claim():
            return True
        time.sleep(0.05)
    return claim()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def guarded() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-I", str(GUARD), "sleep", "300"], stdin=subprocess.PIPE)
    assert eventually(lambda: bool(children_of(process.pid)))
    return process


@pytest.mark.parametrize("way", ["pipe", "terminate", "kill"])
def test_a_guarded_command_ends_with_its_guard(way: str, guarded: subprocess.Popen[bytes]) -> None:
    (child,) = children_of(guarded.pid)

    if way == "pipe":
        assert guarded.stdin is not None
        guarded.stdin.close()
    else:
        guarded.send_signal(signal.SIGTERM if way == "terminate" else signal.SIGKILL)

    guarded.wait(15)
    assert eventually(lambda: not is_alive(child))


@pytest.mark.parametrize(("command", "code"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_a_guard_tells_how_its_command_ended(command: str, code: int) -> None:
    guard = subprocess.Popen([sys.executable, "-I", str(GUARD), "sh", "-c", command], stdin=subprocess.PIPE)

    assert guard.wait(20) == code


def test_a_control_plane_dies_with_whoever_started_it(control_plane: ControlPlane, tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib\n"
        "from practice import ControlPlane\n"
        "plane = ControlPlane(name='orphan', data_dir=pathlib.Path(sys.argv[1]))\n"
        "plane.start()\n"
        "print(plane.port, flush=True)\n"
        "time.sleep(120)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    port = int(starter.stdout.readline())
    assert listens(port)

    starter.kill()
    starter.wait(10)

    assert eventually(lambda: not listens(port))
    starter.stdout.close()


def test_a_restart_finds_everything_as_it_was(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not below tmp_path: the path of a socket must be short.
    sockets = Path(tempfile.mkdtemp(prefix="kept-"))
    monkeypatch.setattr(tempfile, "tempdir", str(sockets))
    with ControlPlane(name="kept", data_dir=tmp_path) as first:
        first.create_namespace("kept", labels={"team": "red"})
        with first.client() as kube:
            uid = kube.kube_system_uid()
        access = first.access()

    assert not listens(first.port)
    with ControlPlane(name="kept", data_dir=tmp_path, port=first.port) as second:
        assert second.access() == access
        with second.client() as kube:
            assert kube.kube_system_uid() == uid
            assert kube.get(NAMESPACES, name="kept")["metadata"]["labels"]["team"] == "red"

    sockets.rmdir()  # which only an empty folder allows


def test_secrets_of_a_control_plane_are_private_files(control_plane: ControlPlane) -> None:
    files = [path for path in control_plane.authority.folder.rglob("*") if path.is_file()]

    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert control_plane.admin_token not in repr(control_plane)


def test_the_audit_log_names_who_changed_a_policy(control_plane: ControlPlane, kube_namespace: str) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "audited", "namespace": kube_namespace, "labels": {}},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
    }
    with control_plane.client() as kube:
        kube.create(policy)
        kube.get(NETWORK_POLICIES, name="audited", namespace=kube_namespace)

    def events() -> list[tuple[str, str]]:
        lines = control_plane.audit_log_path.read_text().splitlines()
        found = [json.loads(line) for line in lines if kube_namespace in line and "networkpolicies" in line]
        return [(event["user"]["username"], event["verb"]) for event in found]

    assert eventually(lambda: ("sallyport", "create") in events())
    assert not any(verb == "get" for _, verb in events())


def test_a_kubeconfig_for_each_identity(control_plane: ControlPlane) -> None:
    assert parse_kubeconfig(control_plane.kubeconfig()).token == control_plane.sallyport_token
    assert parse_kubeconfig(control_plane.kubeconfig("admin")).token == control_plane.admin_token
    with pytest.raises(KeyError):
        control_plane.kubeconfig("nobody")


def test_what_does_not_become_ready_is_stopped_and_its_last_words_are_told(tmp_path: Path) -> None:
    for name, action in {"etcd": "exec sleep 60", "kube-apiserver": "echo the disk is full >&2; exit 3"}.items():
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$0 $@" >> {tmp_path}/arguments\n{action}\n')
        (tmp_path / name).chmod(0o755)
    programs = Programs(apiserver=tmp_path / "kube-apiserver", etcd=tmp_path / "etcd")
    plane = ControlPlane(name="broken", data_dir=tmp_path / "data", programs=programs)

    with pytest.raises(ControlPlaneUnavailable, match="the disk is full"):
        plane.start(timeout=20)

    assert not plane.is_running
    store, server = sorted((tmp_path / "arguments").read_text().splitlines())
    address = next(word for word in store.split() if word.startswith("--listen-client-urls=")).partition("=")[2]
    assert f"--etcd-servers={address}" in server
    assert f"--secure-port={plane.port}" in server


def test_a_control_plane_that_never_answers_is_given_up(tmp_path: Path) -> None:
    stuck = tmp_path / "kubeapi"
    stuck.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    stuck.chmod(0o755)
    plane = ControlPlane(name="stuck", data_dir=tmp_path / "data", programs=Programs(kubeapi=stuck))

    with pytest.raises(ControlPlaneUnavailable, match="not ready after 1 s"):
        plane.start(timeout=1.0)

    pid = int((tmp_path / "pid").read_text())
    assert eventually(lambda: not is_alive(pid))
    assert os.getpid() != pid


def test_a_port_that_is_taken_is_named(control_plane: ControlPlane, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        plane = ControlPlane(name="second", data_dir=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(ControlPlaneUnavailable, match="address already in use"):
            plane.start(timeout=30)

    assert not plane.is_running


def test_starting_and_stopping_twice_does_nothing(control_plane: ControlPlane, tmp_path: Path) -> None:
    control_plane.start()
    assert control_plane.is_running

    ControlPlane(name="never-started", data_dir=tmp_path).stop()


def test_many_kinds_install_again_without_harm(control_plane: ControlPlane) -> None:
    control_plane.install_crds(cilium=True)

    with control_plane.client() as kube:
        assert "cilium" in {dialect.name for dialect in kube.dialects()}
