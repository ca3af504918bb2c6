"""Forms of this room."""

from typing import Any

from django import forms

from apps.sharing.kinds import Kind
from apps.sharing.services import DEFAULT_DAYS, MAX_DAYS


class ShareForm(forms.Form):
    """What a new link shows, and for how long."""

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

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
        }
