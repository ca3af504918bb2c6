"""The forms of endpoints."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.inference.endpoints.models import MAX_CONCURRENCY, MAX_TIMEOUT_SECONDS, Endpoint
from apps.inference.endpoints.services import MAX_KEY


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Address, key and pace. The key that is kept is never in the page."""

    key = forms.CharField(
        label="API key",
        required=False,
        max_length=MAX_KEY,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False
        ),
    )
    forget_key = forms.BooleanField(label="Forget the key that is kept", required=False)
    concurrency = forms.IntegerField(
        label="Questions at once",
        initial=8,
        min_value=1,
        max_value=MAX_CONCURRENCY,
        help_text="Over all runs, judges, tournaments and chats together, as the next one is.",
    )
    requests_per_minute = forms.IntegerField(
        label="Requests a minute, at most",
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text="Empty: as many as it answers.",
    )
    timeout_seconds = forms.IntegerField(
        label="Seconds to wait for an answer",
        initial=60,
        min_value=1,
        max_value=MAX_TIMEOUT_SECONDS,
    )

    field_order = ["name", "base_url", "key", "forget_key"]

    class Meta:
        model = Endpoint
        fields = ["name", "base_url", "concurrency", "requests_per_minute", "timeout_seconds"]
        labels = {"base_url": "Base address"}
        help_texts = {"base_url": "Up to and without /chat/completions: https://api.example.com/v1"}
        widgets = {"base_url": forms.URLInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        endpoint: Endpoint = self.instance
        if endpoint.has_key:
            self.fields[
                "key"
            ].help_text = "A key is kept. Leave this empty to keep it; another address drops it."
        else:
            self.fields["key"].help_text = "Kept encrypted, and never shown again."
            del self.fields["forget_key"]

    def key_given(self) -> str | None:
        """The new key; empty to forget the one that is kept, None to leave it."""
        if self.cleaned_data.get("forget_key"):
            return ""
        return self.cleaned_data["key"] or None

    def given(self) -> dict[str, Any]:
        """The fields for the service, without the key."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class TrialForm(forms.Form):
    """Which model to ask."""

    model = forms.CharField(
        label="Model",
        max_length=200,
        help_text="By the endpoint's own name for it, for example gpt-4o-mini.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
