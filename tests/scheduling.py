"""Which tests of a parallel run stay together on one worker.

The marks ``xdist_group`` say it, but under pytest 9.2 they do not reach the scheduler: it is passed by an attribute of
each test that pytest no longer reads (pytest-xdist, issue 1386). So the scheduler is told by file as well.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

# Journeys that share a running product, which is started once for all of them.
TOGETHER = {
    "tests/journeys/test_api_walk.py": "api-walk",
    "tests/journeys/test_browser_walk.py": "product",
    "tests/journeys/test_pages.py": "product",
}


class Scheduling(LoadGroupScheduling):
    """As ``loadgroup``, and the files above in one piece each."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0]) or str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    return Scheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
