"""Forms of people, teams and tokens. They read text; what is right is judged by the services."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role, Scope, User
from policy.errors import DomainError


def show_error(form: forms.Form, error: DomainError) -> None:
    """Put a service's refusal beside the fields that it names, or above the form where it names none."""
    named = error.details.get("fields")
    fields = named if isinstance(named, dict) else {}
    for field, messages in fields.items():
        form.add_error(field if field in form.fields else None, list(messages))
    if not fields:
        form.add_error(None, error.message)


def _offer(field: forms.Field, accounts: QuerySet[User]) -> None:
    """Let the field choose among these accounts, as they are when the form is made."""
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = accounts


class SignInForm(AuthenticationForm):
    """Mail address and password; the same sentence whatever is wrong."""

    error_messages = {
        "invalid_login": _("This address and password do not open an account."),
        "inactive": _("This address and password do not open an account."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("Mail address")
        self.fields["username"].widget.attrs.update(autocomplete="username", inputmode="email")

    def clean_username(self) -> str:
        """In the case in which addresses are stored and failures are counted."""
        return str(self.cleaned_data["username"]).lower()


class PersonForm(forms.Form):
    email = forms.CharField(label=_("Mail address"), max_length=254)
    display_name = forms.CharField(label=_("Name"), max_length=120)
    password = forms.CharField(
        label=_("First password"),
        max_length=200,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Leave it empty where people sign in some other way."),
    )


class AutomationAccountForm(forms.Form):
    email = forms.CharField(
        label=_("Address"), max_length=254, help_text=_("It names the account; no mail goes there.")
    )
    display_name = forms.CharField(label=_("Name"), max_length=120)
    responsible = forms.ModelChoiceField(
        label=_("Person who answers for it"),
        queryset=User.objects.none(),
        help_text=_("Counts as this person wherever two persons are needed, and falls when this person is disabled."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["responsible"], User.objects.people())


class TeamForm(forms.Form):
    slug = forms.CharField(
        label=_("Short name"), max_length=63, help_text=_("Lower-case letters, digits and hyphens. It stays.")
    )
    name = forms.CharField(label=_("Name"), max_length=120)
    contact = forms.CharField(
        label=_("Contact"),
        max_length=200,
        required=False,
        help_text=_("Where the team is reached: a channel or an address."),
    )


class TeamWordsForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    contact = forms.CharField(label=_("Contact"), max_length=200, required=False)


class MemberForm(forms.Form):
    email = forms.CharField(label=_("Mail address of the account"), max_length=254)
    kind = forms.ChoiceField(label=_("Place in the team"), choices=Membership.Kind.choices)


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class SetPasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Every session of the account ends."),
    )


class ChangePasswordForm(forms.Form):
    current = forms.CharField(
        label=_("Current password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label=_("New password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Your other sessions end."),
    )


class TokenForm(forms.Form):
    account = forms.ModelChoiceField(label=_("Account"), queryset=User.objects.none(), empty_label=None)
    label = forms.CharField(label=_("What it is for"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple, initial=[Scope.READ]
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("In UTC; at most a year."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["account"], User.objects.answered_for_by(user))
        self.fields["account"].initial = user.pk
        self.fields["expires_on"].initial = (timezone.now() + timedelta(days=90)).date()

    @property
    def expires_at(self) -> datetime:
        """The last moment of the chosen day."""
        return datetime.combine(self.cleaned_data["expires_on"], time.max, tzinfo=UTC)
