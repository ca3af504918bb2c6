"""Forms of this room."""

from django import forms

from apps.hooks.models import Event


class WebhookForm(forms.Form):
    """A new webhook."""

    name = forms.CharField(max_length=100, label="Who listens")
    url = forms.CharField(
        max_length=500,
        label="Address",
        help_text="It is called with POST and must be public, or allowed by an administrator.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        choices=Event.choices, label="Call it when", widget=forms.CheckboxSelectMultiple
    )
