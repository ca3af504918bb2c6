"""What other rooms may listen to."""

from django.dispatch import Signal

# Sent inside the committing transaction with `version=` and `user=` (who did it, or None) when
# predictions, labels, outcomes or prices of a dataset version have changed.
version_changed = Signal()
