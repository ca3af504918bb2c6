"""Filters of this room, each by an explicit key."""

import django_filters

from apps.jobs.models import Job, Queue, State


class JobFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(choices=State.choices, empty_label="any state")
    queue = django_filters.ChoiceFilter(choices=Queue.choices, empty_label="any queue")

    class Meta:
        model = Job
        fields = ["state", "queue"]
