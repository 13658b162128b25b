"""Fixtures that give tests a real kube-apiserver. Load them with ``pytest_plugins = ["tests.kubeapi.fixtures"]``.

Tests that use them carry the marker ``kube`` by themselves, and are skipped, with the reason, where no control plane
can be had. ``SALLYPORT_BUILD_KUBEAPI=0`` skips instead of building, which takes minutes the first time.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from practice import ControlPlane, ControlPlaneUnavailable, ensure_programs

ControlPlanes = Callable[..., ControlPlane]

_numbers = itertools.count(1)
_FIXTURES = {"control_plane", "control_planes", "plain_control_plane"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kube: needs a real kube-apiserver; skipped with the reason where there is none")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a control plane is a ``kube`` test, without having to say so twice."""
    for item in items:
        if _FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kube)


@pytest.fixture(scope="session")
def control_planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlanes]:
    """Make (or give back) the running control plane of a name: ``control_planes("prod-a", cilium=True)``.

    Further keywords: ``crd_folders`` (installed too) and ``flags`` (of kube-apiserver). All stop with the session.
    """
    running: dict[str, ControlPlane] = {}

    def make(
        name: str, *, cilium: bool = False, crd_folders: tuple[Path, ...] = (), flags: tuple[str, ...] = ()
    ) -> ControlPlane:
        if name in running and running[name].is_running:
            return running[name]
        try:
            programs = ensure_programs(may_build=os.environ.get("SALLYPORT_BUILD_KUBEAPI") != "0")
        except ControlPlaneUnavailable as error:
            pytest.skip(f"no control plane: {error}")
        if cilium and programs.kubeapi is None:
            pytest.skip("no Cilium kinds: they come from our own program, and KUBEBUILDER_ASSETS is used instead")
        plane = ControlPlane(name=name, data_dir=tmp_path_factory.mktemp(name), programs=programs, flags=flags)
        plane.start()
        running[name] = plane
        plane.install_crds(cilium=cilium, folders=crd_folders)
        return plane

    yield make
    for plane in running.values():
        plane.stop()


@pytest.fixture(scope="session")
def control_plane(control_planes: ControlPlanes) -> ControlPlane:
    """One running control plane with Cilium's kinds, shared by the whole session: use fresh namespaces on it."""
    return control_planes("shared", cilium=True)


@pytest.fixture(scope="session")
def plain_control_plane(control_planes: ControlPlanes) -> ControlPlane:
    """One running control plane that knows plain NetworkPolicy only."""
    return control_planes("plain")


@pytest.fixture
def kube_namespace(control_plane: ControlPlane, request: pytest.FixtureRequest) -> str:
    """A fresh namespace on ``control_plane``, named after the test; it stays, for nothing could finish its deletion."""
    stem = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{stem}-{os.getpid()}-{next(_numbers)}"
    control_plane.create_namespace(name)
    return name
