"""Forms of the team's and one's own settings."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from apps.teams.models import AuditEntry, Role
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


class DepartureForm(forms.Form):
    """Whoever deletes their account writes their address out: no press of a button by mistake."""

    typed = forms.CharField(label="Write your e-mail address to confirm")

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.strip().lower() != self.email.lower():
            raise forms.ValidationError("This is not the address that you sign in with.")
        return typed


class AuditForm(forms.Form):
    """What of the audit log is shown. What cannot be read narrows nothing."""

    who = forms.ChoiceField(required=False, label="Who")
    did = forms.ChoiceField(required=False, label="Did")
    q = forms.CharField(required=False, max_length=200, label="To, by name")
    since = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label="Up to", widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, entries: QuerySet[AuditEntry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = entries.order_by()
        people = plain.filter(created_by__isnull=False).values_list(
            "created_by", "created_by__name", "created_by__email"
        )
        named = sorted({(str(key), name or email) for key, name, email in people.distinct()})
        actions = sorted(plain.values_list("action", flat=True).distinct())
        who, did = self.fields["who"], self.fields["did"]
        who.choices = [("", "anybody"), *named]  # type: ignore[attr-defined]
        did.choices = [("", "anything"), *((name, name) for name in actions)]  # type: ignore[attr-defined]

    def narrow(self, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if not self.is_bound:
            return entries
        self.full_clean()
        asked = self.cleaned_data
        conditions = {
            "created_by": asked.get("who"),
            "action": asked.get("did"),
            "created_at__date__gte": asked.get("since"),
            "created_at__date__lte": asked.get("until"),
        }
        entries = entries.filter(**{key: value for key, value in conditions.items() if value})
        if text := (asked.get("q") or "").replace("\x00", ""):
            entries = entries.filter(Q(object_name__icontains=text) | Q(object_id=text))
        return entries
