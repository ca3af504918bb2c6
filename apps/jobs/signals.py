"""What other rooms may listen to."""

from django.dispatch import Signal

job_ended = Signal()
"""`job` has reached its last state; sent inside the transaction in which it does."""
