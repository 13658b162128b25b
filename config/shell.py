"""What every page shows around its content."""

from django.conf import settings
from django.http import HttpRequest

THEMES = ("system", "light", "dark")


def shell(request: HttpRequest) -> dict[str, object]:
    theme = request.COOKIES.get("theme", "system")
    return {"theme": theme if theme in THEMES else "system", "demo_mode": settings.DEMO_MODE}
