"""Forms of observed egress."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class SourceForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("Who sends: an exporter, a node group, a shipper."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
