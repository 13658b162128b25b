"""The whole product as its operator starts it, on services, workers and a port of its own, seen from outside only."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import redis

from config.embedded import EmbeddedServices

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "a long walk through the gate"
# Long, for a parallel run on two cores starts much at once.
START_SECONDS = 240
T = TypeVar("T")

# Who is in the play: handle → global roles, team, leads it.
CAST: dict[str, tuple[list[str], str, bool]] = {
    "ada": (["administrator"], "", False),
    "rita": (["security-reviewer"], "", False),
    "remy": (["security-reviewer"], "", False),
    "pia": (["platform-engineer"], "platform", True),
    "paul": (["platform-engineer"], "platform", False),
    "lena": ([], "payments", True),
    "leo": ([], "storefront", True),
    "amos": (["auditor"], "", False),
}

MAKE_CAST = """
import json, sys
from datetime import timedelta
from django.utils import timezone
from accounts.models import ApiToken, Scope, User
from accounts.services import create_person, create_team, grant_role, issue_token, set_membership
cast, password = json.loads(CAST), PASSWORD
admin = create_person(actor=None, email="ada@example.com", display_name="Ada", password=password)
grant_role(actor=None, user_id=admin.pk, role="administrator")
admin = User.objects.get(pk=admin.pk)
slugs = ("platform", "payments", "storefront")
teams = {slug: create_team(actor=admin, slug=slug, name=slug.title()) for slug in slugs}
until = timezone.now() + timedelta(days=1)
tokens = {}
for handle, (roles, team, leads) in cast.items():
    user = admin if handle == "ada" else create_person(
        actor=admin, email=f"{handle}@example.com", display_name=handle.title(), password=password
    )
    for role in roles:
        if handle != "ada":
            grant_role(actor=admin, user_id=user.pk, role=role)
    if team:
        set_membership(actor=admin, team_id=teams[team].pk, user_id=user.pk, kind="lead" if leads else "member")
    user = User.objects.get(pk=user.pk)
    _, secret = issue_token(
        actor=user, user_id=user.pk, label="journey", scopes=list(Scope.values), expires_at=until
    )
    tokens[handle] = secret
print("TOKENS " + json.dumps(tokens))
"""


@dataclass
class Product:
    """One running product. Every wait is bounded, and ``stop`` ends all that ``start`` began."""

    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    extra: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
        binaries = str(Path(sys.executable).parent)
        return kept | {
            "PATH": f"{binaries}:{kept.get('PATH', '')}",
            "SALLYPORT_DATA_DIR": str(self.folder),
            "SALLYPORT_DEMO": "false",
            "SALLYPORT_SWEEP_SECONDS": "2",
            "SALLYPORT_COMPARE_EVERY_SECONDS": "3600",
            "SALLYPORT_PUSH_LEASE_SECONDS": "10",
            "EMAIL_URL": "filemail://" + str(self.folder / "mail"),
            "PORT": str(self.port),
            **self.extra,
        }

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "product.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.run"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
        )
        self.until(self._answers, "the portal to answer", seconds=START_SECONDS)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=40)

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command with the portal's environment."""
        private = self.folder / "private"
        secrets = {
            "SECRET_KEY": (private / "secret-key").read_text(),
            "SALLYPORT_SEALING_KEY": (private / "credential-keys").read_text().split()[0],
            "SALLYPORT_PLAIN_HTTP": "true",
            "SALLYPORT_ALLOW_LOOPBACK_CLUSTERS": "true",
        }
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment | secrets, capture_output=True, text=True, timeout=120, check=check,
        )  # fmt: skip

    def call_task(self, name: str) -> None:
        """Send a task through the broker, as the beat does."""
        command = [sys.executable, "-m", "celery", "--app", "config", "--quiet", "call", name]
        subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, timeout=60, check=True)

    def wipe_broker(self) -> None:
        """Lose every message that is on its way."""
        redis.Redis.from_url(EmbeddedServices(self.folder).broker_url).flushall()

    def kill_pusher(self) -> None:
        """SIGKILL to the pusher and its children, in the middle of whatever they do."""
        assert self._process is not None
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "pusher" in " ".join(process.cmdline()):
                    process.kill()

    def make_cast(self) -> None:
        """The people of the play with passwords and tokens; the first administrator as on a fresh installation."""
        code = f"CAST = {json.dumps(json.dumps(CAST))}\nPASSWORD = {PASSWORD!r}\n{MAKE_CAST}"
        result = self.manage("shell", "-c", code)
        line = next(line for line in result.stdout.splitlines() if line.startswith("TOKENS "))
        self.tokens = json.loads(line.removeprefix("TOKENS "))

    def api(self, handle: str) -> Api:
        return Api(self.address, self.tokens[handle])

    def deliver(self, secret: str, lines: bytes) -> None:
        """Send flow records as an exporter does, with the token of its source."""
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"}
        address = f"{self.address}/api/v1/flows/ingest/"
        answer = httpx.post(address, content=lines, headers=headers, timeout=30)
        assert answer.status_code == 202, f"{answer.status_code} {answer.text[:2000]}"

    def until(self, ask: Callable[[], T], what: str, *, seconds: float = 60) -> T:
        """Ask until the answer is truthy; an AssertionError names what did not happen and shows the log's end."""
        over_at = time.monotonic() + seconds
        while time.monotonic() < over_at:
            if answer := ask():
                return answer
            time.sleep(0.25)
        raise AssertionError(f"Waited {seconds:.0f} s for {what}.\n{self.log_end()}")

    def log_end(self) -> str:
        path = self.folder / "product.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log_end()
        try:
            return httpx.get(f"{self.address}/health/ready/", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@dataclass
class Api:
    """One person's token at the REST API; an unexpected status fails with the body."""

    address: str
    token: str

    def get(self, path: str, *, expect: int = 200, **params: Any) -> Any:
        return self._call("GET", path, expect=expect, params=params)

    def post(
        self, path: str, body: Any = None, *, expect: int | tuple[int, ...] = (200, 201, 202), key: str = ""
    ) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self._call("POST", path, expect=expect, json=body if body is not None else {}, headers=headers)

    def put(self, path: str, body: Any, *, expect: int = 200) -> Any:
        return self._call("PUT", path, expect=expect, json=body)

    def patch(self, path: str, body: Any, *, expect: int = 200) -> Any:
        return self._call("PATCH", path, expect=expect, json=body)

    def _call(self, method: str, path: str, *, expect: int | tuple[int, ...], **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        answer = httpx.request(method, f"{self.address}/api/v1/{path}", headers=headers, timeout=30, **options)
        wanted = (expect,) if isinstance(expect, int) else expect
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json() if answer.content else None


_NOT_INHERITED = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "EMAIL_URL", "DJANGO_SETTINGS_MODULE", "CELERY_BROKER_URL"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
