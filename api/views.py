"""The description of the API, a page to try it from, and the answer to addresses that do not exist."""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class SchemaView(SpectacularAPIView):
    """OpenAPI 3 description of the whole API."""


# Swagger UI sets styles from its own script; nothing else on this page could, as scripts come from us alone.
@method_decorator(login_required, name="dispatch")
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """The description as a page, on assets that we serve ourselves."""

    url_name = "api:schema"


@csrf_exempt
def nothing_here(_request: HttpRequest) -> JsonResponse:
    """No such address, said in the shape of every other refusal."""
    body = {
        "code": "not_found",
        "message": _("There is nothing at this address. Addresses end in a slash."),
        "details": {},
    }
    return JsonResponse(body, status=404)
