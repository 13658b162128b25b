"""A person's window in Chromium, and everything that went wrong in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Locator, Request, Response, expect

from tests.journeys.product import PASSWORD

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Two cores do everything at once here: the portal, its workers, four API servers and the browser.
PATIENCE_MS = 30_000
WORKERS_MS = 90_000
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


class Window:
    """One person's browser. ``faults`` holds every console error, failed resource and broken policy on the way."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        *,
        theme: str = "light",
        javascript: bool = True,
        width: int = 1280,
        height: int = 900,
    ) -> None:
        self.faults: list[str] = []
        self._context = browser.new_context(
            base_url=address,
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=javascript,
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self._context.add_init_script(_REPORT_VIOLATIONS)
        self.page = self._context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(f"exception: {error}"))
        self.page.on("response", self._judge)
        self.page.on("requestfailed", self._miss)

    def close(self) -> None:
        self._context.close()

    # Going somewhere

    def open(self, path: str, *, status: int = 200) -> None:
        """Load the page and insist on its status."""
        answer = self.page.goto(path)
        assert answer is not None, path
        assert answer.status == status, f"{path} answered {answer.status}: {self.page.title()}"

    def sign_in(self, handle: str) -> None:
        self.open("/sign-in/")
        self.fill({"Mail address": f"{handle}@example.com", "Password": PASSWORD})
        self.press("Sign in")
        expect(self.page).not_to_have_url(re.compile("sign-in"))

    def follow(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """Click the link, and be where it leads."""
        place = within or self.page
        self.click(place.get_by_role("link", name=name, exact=isinstance(name, str)).first)

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """Press the button, and be on the page that comes of it."""
        place = within or self.page.get_by_role("main")
        self.click(place.get_by_role("button", name=name, exact=True))

    def click(self, control: Locator) -> None:
        """Activate the control, and be on the page that comes of it."""
        with self.page.expect_navigation():
            control.click()

    # Typing and choosing

    def fill(self, fields: Mapping[str, str], *, within: Locator | None = None) -> None:
        """Type into the fields that carry these labels."""
        for label, text in fields.items():
            (within or self.page).get_by_label(label, exact=True).fill(text)

    def select(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(value)

    # Reading

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def row(self, *texts: str) -> Locator:
        """The table row that says all of this."""
        found = self.page.get_by_role("row")
        for text in texts:
            found = found.filter(has_text=text)
        return found

    def card(self, title: str) -> Locator:
        """The region under this heading."""
        return self.page.get_by_role("region", name=title, exact=True).first

    def see(self, *texts: str, within: Locator | None = None, patience_ms: float = PATIENCE_MS) -> None:
        """Every text is on the page, now or soon."""
        for text in texts:
            expect(within or self.main).to_contain_text(text, timeout=patience_ms)

    def offers(self, name: str) -> bool:
        """Whether the page has such a button."""
        return self.main.get_by_role("button", name=name, exact=True).count() > 0

    # What goes wrong

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What happens inside leaves no fault."""
        before = len(self.faults)
        yield
        assert not self.faults[before:], self.faults[before:]

    def _note(self, fault: str) -> None:
        self.faults.append(f"{self.page.url}: {fault}")

    def _hear(self, message: ConsoleMessage) -> None:
        # The browser repeats every refused request on its console; those are judged by their status instead.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self._note(f"console {message.type}: {message.text}")

    def _judge(self, response: Response) -> None:
        """Only a page may refuse, for it says why; a missing file or a failed fragment is a fault."""
        if response.status >= 500 or (response.status >= 400 and not response.request.is_navigation_request()):
            self._note(f"{response.request.method} {response.url} answered {response.status}")

    def _miss(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that is left takes its polling with it
            self._note(f"{request.method} {request.url}: {request.failure}")
