"""The room that runs candidates: answers are made, scored and metered here."""
