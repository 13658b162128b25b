"""Small parts of the page's frame."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

TONE_ICONS = {
    "success": "circle-check",
    "warning": "alert-triangle",
    "danger": "circle-x",
    "info": "info-circle",
    "muted": "circle-dashed",
}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A decorative icon from the sprite; the word beside it carries the meaning."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("vendor/icons.svg"),
        name,
    )


@register.filter
def tone_icon(tone: str) -> str:
    return TONE_ICONS.get(tone, "circle-dashed")


@register.simple_tag(takes_context=True)
def current(context: template.Context, prefix: str) -> SafeString | str:
    """Marks the navigation link of the page that is shown."""
    request = context.get("request")
    path = request.path if request else ""
    here = path == prefix if prefix in ("", "/") else path.startswith(prefix)
    return mark_safe('aria-current="page"') if here else ""


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: object) -> str:
    """The present query string with some parameters changed; None removes one."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value is None:
            query.pop(key, None)
        else:
            query[key] = str(value)
    return "?" + query.urlencode()
