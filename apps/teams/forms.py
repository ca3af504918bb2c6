"""Forms of the team's and one's own settings."""

from typing import Any

from django import forms

from apps.teams.models import Role
from apps.teams.services.tokens import DEFAULT_DAYS, MAX_DAYS


class RoleField(forms.TypedChoiceField):
    """One of the roles up to `highest`, as a `Role`."""

    def __init__(self, *, highest: Role = Role.ADMIN, **kwargs: Any) -> None:
        choices = [(role.value, role.label) for role in Role if role <= highest]
        super().__init__(choices=choices, coerce=lambda value: Role(int(value)), **kwargs)


class TeamForm(forms.Form):
    name = forms.CharField(max_length=100, label="Name of the team")


class AccountForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        required=False,
        label="Your name",
        help_text="Shown to the other members instead of your address.",
    )


class RoleForm(forms.Form):
    role = RoleField(label="Role")


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail address")
    role = RoleField(label="Role", initial=Role.VIEWER)


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, label="What will use it")
    days = forms.IntegerField(
        min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS, label="Valid for, in days"
    )

    def __init__(self, *args: Any, role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"] = RoleField(
            highest=role, label="May do as much as", initial=Role.VIEWER
        )


class JoinForm(forms.Form):
    """A new account for an invited address."""

    name = forms.CharField(
        max_length=100,
        required=False,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Choose a passphrase",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters, not only digits, and nothing that everybody uses.",
    )
