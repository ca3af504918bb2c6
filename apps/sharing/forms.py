"""Forms of this room."""

from typing import Any

from django import forms

from apps.sharing.kinds import KINDS, Kind
from apps.sharing.models import Scope
from apps.sharing.services import DEFAULT_DAYS, MAX_DAYS, MAX_PASSWORD

STATES = (("open", "open"), ("ended", "ended"))


class ShareForm(forms.Form):
    """What a new link shows, to whom, and for how long."""

    note = forms.CharField(
        label="For whom or what",
        max_length=200,
        required=False,
        help_text="Seen by your team alone.",
    )
    days = forms.IntegerField(
        label="Days until it ends", min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS
    )
    shows = forms.ChoiceField(label="It shows", initial="frozen", widget=forms.RadioSelect)
    scope = forms.ChoiceField(label="How much of it", required=False, initial=Scope.CHARTS)
    password = forms.CharField(
        label="Password",
        max_length=MAX_PASSWORD,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Asked for before anything is shown; send it by another way than the link.",
    )
    embed_origins = forms.CharField(
        label="Sites that may show it in a frame",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line, as in https://wiki.example.org. Not together with a password.",
    )

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.fields["scope"]
        assert isinstance(scope, forms.ChoiceField)  # noqa: S101
        scope.choices = [
            choice for choice in Scope.choices if kind.items or choice[0] != Scope.ITEMS
        ]
        if not kind.live:
            del self.fields["shows"]
            return
        shows = self.fields["shows"]
        assert isinstance(shows, forms.ChoiceField)  # noqa: S101
        shows.choices = [
            ("frozen", f"the {kind.noun} as it is now"),
            ("live", f"the {kind.noun} as it stands whenever it is opened"),
        ]

    def settings(self) -> dict[str, Any]:
        """The cleaned values as the service takes them."""
        data = self.cleaned_data
        return {
            "note": data["note"],
            "days": data["days"],
            "frozen": data.get("shows", "frozen") == "frozen",
            "scope": data["scope"] or Scope.CHARTS,
            "password": data["password"],
            "embed_origins": data["embed_origins"].split(),
        }


class UnlockForm(forms.Form):
    """The password of a link."""

    password = forms.CharField(
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class LinkFilterForm(forms.Form):
    """Which links a list shows."""

    q = forms.CharField(label="For whom or what", max_length=200, required=False)
    kind = forms.ChoiceField(
        label="Shows",
        required=False,
        choices=[("", "anything"), *((name, f"{kind.noun}s") for name, kind in KINDS.items())],
    )
    state = forms.ChoiceField(label="State", required=False, choices=[("", "any"), *STATES])
