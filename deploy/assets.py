"""Copies the front-end assets that the pages use from node_modules into static/vendor. Run by ``make setup``.

Nothing minified is kept in the repository: ``npm ci`` brings it, with its integrity checked by the lock file.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.js",
    "htmx.org/dist/htmx.min.js": "htmx.js",
}
LICENCES = {"@tabler/core": "tabler", "@tabler/icons": "tabler-icons", "htmx.org": "htmx"}
# The icons that pages use, by their Tabler name; a test compares this list with the templates.
ICONS = frozenset(
    """
    activity alert-circle alert-triangle arrow-back-up arrow-right ban bell book box calendar check checks
    chevron-down chevron-left chevron-right circle-check circle-dashed circle-minus circle-x clipboard-check
    clipboard-list clock cloud copy device-desktop door-exit download edit external-link eye file-text filter
    git-compare git-pull-request help-circle history home hourglass info-circle key link list-check loader lock
    logout mail message moon network player-pause player-play plug plus question-mark refresh rocket route search
    send server settings shield shield-check shield-lock shield-off sitemap sun tag target trash user user-check
    users world x
    """.split()  # noqa: SIM905  a list of quoted words would be three times as long
)
# A manifest storage stops on a map that is not there.
SOURCE_MAP = re.compile(rb"(//|/\*)# sourceMappingURL=[^\n*]*(\*/)?")


def build() -> None:
    """Fill static/vendor anew; says what is missing when ``npm ci`` has not run."""
    if not MODULES.is_dir():
        raise SystemExit("node_modules is missing: run “make setup”.")
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for source, target in FILES.items():
        (VENDOR / target).write_bytes(SOURCE_MAP.sub(b"", (MODULES / source).read_bytes()))
    (VENDOR / "icons.svg").write_text(sprite())
    for package, name in LICENCES.items():
        for licence in (MODULES / package).glob("LICENSE*"):
            shutil.copy(licence, VENDOR / f"{name}.{licence.name}")


def sprite() -> str:
    """One SVG file with a symbol per icon."""
    symbols = "".join(_symbol(name) for name in sorted(ICONS))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>\n'


def _symbol(name: str) -> str:
    drawing = (MODULES / "@tabler/icons/icons/outline" / f"{name}.svg").read_text()
    inner = re.sub(
        r"<!--.*?-->", "", drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")], flags=re.S
    )
    paint = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return f'<symbol id="{name}" viewBox="0 0 24 24" {paint}>{" ".join(inner.split())}</symbol>'


if __name__ == "__main__":
    build()
