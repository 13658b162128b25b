"""Every page, in both themes: readable by everybody, quiet on the console, narrow enough, usable without a mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser, expect

from tests.journeys.browser import Window
from tests.journeys.fleet import Fleet
from tests.journeys.furnishing import Furnished, furnish
from tests.journeys.pages import FRAGMENTS, PAGES, PAGES_WITHOUT_A_CATALOGUE, Page
from tests.journeys.product import Product

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
THEMES = ("light", "dark")
NARROW = 320
WIDE = 1280
TAB_STOPS = 6
Windows = Callable[[str], Window]

# What sticks out of the window, and what scrolls by itself without saying what it is.
_TOO_WIDE = """() => {
  const name = (e) => `${e.tagName.toLowerCase()}.${[...e.classList].join(".")}`;
  const overflows = (e) => e.scrollWidth > e.clientWidth + 1;
  const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && overflows(e);
  const found = [];
  if (document.documentElement.scrollWidth > window.innerWidth) {
    for (const e of document.querySelectorAll("main *, header *")) {
      let inside = e.parentElement;
      while (inside && !scrolls(inside)) inside = inside.parentElement;
      if (!inside && e.getBoundingClientRect().right > window.innerWidth + 1) found.push(`${name(e)} sticks out`);
    }
    found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  }
  for (const e of document.querySelectorAll("main *")) {
    if (scrolls(e) && !(e.hasAttribute("aria-label") && e.tabIndex >= 0) && !e.matches("input, textarea, select"))
      found.push(`${name(e)} scrolls unlabelled`);
  }
  return found.slice(0, 8);
}"""
_FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const marked = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  const words = (e.getAttribute("aria-label") || e.textContent || "").trim().slice(0, 40);
  return {what: `${e.tagName.toLowerCase()} ${words}`, marked, shown: box.width > 1 && box.height > 1};
}"""


@pytest.fixture(scope="module")
def furnished(product: Product, fleet: Fleet) -> Furnished:
    return furnish(product, fleet)


@pytest.fixture(scope="module")
def windows(product: Product, browser: Browser) -> Iterator[Windows]:
    """A signed-in window of each person who is asked for; the empty name is a visitor."""
    opened: dict[str, Window] = {}

    def window(handle: str) -> Window:
        if handle not in opened:
            opened[handle] = Window(browser, product.address)
            if handle:
                opened[handle].sign_in(handle)
        return opened[handle]

    yield window
    for one in opened.values():
        one.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.label)
def test_page_is_for_everybody(page: Page, furnished: Furnished, windows: Windows) -> None:
    window = windows(page.who)
    with window.undisturbed():
        go(window, page, furnished)
        problems = [fault for theme in THEMES for fault in axe_findings(window, theme)]
        problems += focus_faults(window)
        problems += width_faults(window)
    assert problems == []


def go(window: Window, page: Page, furnished: Furnished) -> None:
    """Be on the page; one that is to refuse is sent as it is, past the browser's own checks."""
    window.page.set_viewport_size({"width": WIDE, "height": 900})
    if not page.submits:
        window.open(furnished.path(page.path), status=page.status)
        return
    window.open(furnished.path(page.path))
    window.page.evaluate("document.querySelectorAll('main form').forEach((form) => { form.noValidate = true; })")
    button = window.main.get_by_role("button", name=page.submits, exact=True)
    with window.page.expect_response(lambda answer: answer.request.is_navigation_request()) as answered:
        window.click(button)
    assert answered.value.status == page.status
    expect(window.main.locator(".field-error, [role=alert]").first).to_be_visible()


def axe_findings(window: Window, theme: str) -> list[str]:
    """What axe holds against the page in the theme: rule and elements."""
    window.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    expect(window.page.locator("html")).to_have_attribute("data-bs-theme", theme)
    found = Axe().run(window.page, options=WCAG).response["violations"]
    return [f"{theme}: {one['id']}: {' | '.join(node['html'][:160] for node in one['nodes'][:3])}" for one in found]


def focus_faults(window: Window) -> list[str]:
    """Each of the first Tab stops must be visible, and marked."""
    window.page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    faults = []
    for _ in range(TAB_STOPS):
        window.page.keyboard.press("Tab")
        stop = window.page.evaluate(_FOCUS)
        if stop is None:
            break
        if not (stop["marked"] and stop["shown"]):
            faults.append(f"no visible focus on {stop['what']}")
    return faults


def width_faults(window: Window) -> list[str]:
    """On the narrowest screen nothing scrolls sideways but what says that it does."""
    window.page.set_viewport_size({"width": NARROW, "height": 640})
    found: list[str] = window.page.evaluate(_TOO_WIDE)
    return found


def test_the_catalogue_holds_every_page() -> None:
    known = {page.name for page in PAGES} | FRAGMENTS | PAGES_WITHOUT_A_CATALOGUE
    missing = {name for name in page_names(get_resolver()) if name not in known and name.split(":")[-1] not in known}
    assert missing == set()


def page_names(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    """Every name of a page's address, without the API and the read-only administration."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            yield f"{namespace}{pattern.name}"
        elif isinstance(pattern, URLResolver) and pattern.namespace not in {"api", "admin"}:
            yield from page_names(pattern, f"{pattern.namespace}:" if pattern.namespace else namespace)


def test_every_page_carries_a_strict_policy(furnished: Furnished, windows: Windows) -> None:
    answer = windows("leo").page.request.get("/entries/")

    policy = answer.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("mishap", "told"),
    [
        ("console.error('lost')", "lost"),
        ("fetch('/static/absent.js')", "absent.js answered 404"),
        ("document.body.setAttribute('style', 'color: red')", "style-src"),
    ],
)
def test_a_window_notices_what_goes_wrong(product: Product, browser: Browser, mishap: str, told: str) -> None:
    window = Window(browser, product.address)
    window.open("/sign-in/")

    window.page.evaluate(mishap)
    window.page.wait_for_load_state("networkidle")

    assert any(told in fault for fault in window.faults)
    window.close()


def test_asking_approving_and_deciding_work_without_javascript(
    product: Product, browser: Browser, furnished: Furnished
) -> None:
    leo, rita = (Window(browser, product.address, javascript=False) for _ in range(2))
    leo.sign_in("leo")
    rita.sign_in("rita")
    number = ask_without_javascript(leo)
    rita.open(f"/requests/{number}/")
    rita.press("Approve")
    rita.see("Approved")
    decide_without_javascript(rita, furnished)
    for window in (leo, rita):
        window.close()
        assert window.faults == []


def ask_without_javascript(leo: Window) -> str:
    """The checks come by a button of their own where nothing answers while typing."""
    leo.open("/requests/new/")
    leo.fill({"Destination": "plain.example-cdn.net", "Ports": "443", "Namespaces": "shop"})
    leo.fill({"Why": "A page that works without scripts works for everybody."})
    leo.press("Check")
    leo.see("What it means", "matchName: plain.example-cdn.net")
    leo.press("Submit for review")
    leo.see("In review")
    return leo.page.url.rstrip("/").rsplit("/", 1)[-1]


def decide_without_javascript(rita: Window, furnished: Furnished) -> None:
    rita.open(furnished.path("/campaigns/{quarter}/"))
    row = rita.row(furnished.places["entry"])
    row.get_by_role("checkbox").check()
    rita.page.get_by_label("Keep", exact=True).check()
    rita.press("Decide")
    rita.see("1 entry is decided.")
