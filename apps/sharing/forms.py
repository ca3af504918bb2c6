"""Forms of this room."""

from django import forms

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
    shows = forms.ChoiceField(
        label="It shows",
        choices=[
            ("frozen", "the board as it is now"),
            ("live", "the board as it stands whenever it is opened"),
        ],
        initial="frozen",
        widget=forms.RadioSelect,
    )
