"""The frame of every page: icons that exist, a strict policy, a theme that is remembered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from deploy.assets import ICONS
from tests import factories

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
USED = re.compile(r"""\{% icon ["']([a-z0-9-]+)["']|\bicon=["']([a-z0-9-]+)["']""")


def test_every_icon_that_a_page_names_is_in_the_sprite() -> None:
    used = {first or second for path in TEMPLATES for first, second in USED.findall(path.read_text())}

    assert used
    assert used <= ICONS


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_page_carries_inline_script_or_style(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "<style" not in text
    assert not re.search(r"\s(style|on[a-z]+)=", text)


@pytest.mark.django_db
def test_pages_forbid_every_script_and_style_that_is_not_a_file_of_ours(client: Client) -> None:
    policy = client.get("/sign-in/", follow=True).headers["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_the_chosen_theme_is_kept_and_an_unknown_one_is_not(client: Client) -> None:
    client.force_login(factories.reviewer())

    client.post("/theme/", {"theme": "dark", "next": "/"})
    assert 'data-bs-theme="dark"' in client.get("/").content.decode()

    client.post("/theme/", {"theme": "<script>", "next": "/"})
    assert client.cookies["theme"].value == "dark"


@pytest.mark.django_db
def test_the_theme_form_leads_back_to_our_own_pages_only(client: Client) -> None:
    assert client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"}).headers["Location"] == "/"
    assert client.post("/theme/", {"theme": "dark", "next": "//evil.example/"}).headers["Location"] == "/"


@pytest.mark.django_db
def test_home_asks_for_a_sign_in(client: Client) -> None:
    assert client.get("/").headers["Location"].startswith("/sign-in/")
