"""One running product, its practice clusters and a browser, shared by the journeys of a run.

The journeys look at the product from outside only: none of them touches Django's test database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from practice import ControlPlane, ControlPlaneUnavailable, ensure_programs
from tests.journeys.browser import ARGUMENTS
from tests.journeys.fleet import CLUSTERS, Fleet, contents
from tests.journeys.product import Product

HERE = Path(__file__).parent
# The first journey of a run also waits for five servers to start, on two cores that may be busy.
PATIENCE_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys that share one product go to one worker of a parallel run; each may wait for much."""
    for item in items:
        if HERE not in item.path.parents or item.get_closest_marker("xdist_group"):
            continue
        item.add_marker(pytest.mark.xdist_group("product"))
        item.add_marker(pytest.mark.timeout(PATIENCE_SECONDS))
        names = set(getattr(item, "fixturenames", ()))
        if "browser" in names:
            item.add_marker(pytest.mark.browser)
        if "fleet" in names:
            item.add_marker(pytest.mark.kube)
        if "product" in names:
            item.add_marker(pytest.mark.celery)


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Four real control planes with workloads: two to prove on, two in production, of which one is without Cilium."""
    try:
        programs = ensure_programs()
    except ControlPlaneUnavailable as error:
        pytest.skip(f"no control plane: {error}")
    if programs.kubeapi is None:
        pytest.skip("no Cilium kinds: they come from our own program, and KUBEBUILDER_ASSETS is used instead")
    folder = tmp_path_factory.mktemp("fleet")
    planes = {one.name: ControlPlane(name=one.name, data_dir=folder / one.name, programs=programs) for one in CLUSTERS}
    try:
        with ThreadPoolExecutor(max_workers=2) as starters:
            list(starters.map(lambda one: _furnish(planes[one.name], cilium=one.cilium), CLUSTERS))
        yield Fleet(planes)
    finally:
        for plane in planes.values():
            plane.stop()


def _furnish(plane: ControlPlane, *, cilium: bool) -> None:
    plane.start(timeout=120)
    plane.install_crds(cilium=cilium, timeout=60)
    plane.ensure_objects(contents())


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product on services of its own, with its people; stopped at the end of the run."""
    running = Product(folder=tmp_path_factory.mktemp("product"))
    try:
        running.start()
        running.make_cast()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium; every person opens a window of their own in it."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("no Chromium: install the package chromium to run the journeys through the pages")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield running
        running.close()
