"""Keeps secrets that stand in addresses out of the logs."""

import logging
import re

# What follows these first parts of a path opens a door by itself.
_SECRET = re.compile(r"(/(?:s|invitations|signin)/)[^/\s?#\"'<>]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text with every secret of an address replaced: `/s/…/chart.svg`."""
    return _SECRET.sub(r"\1…", text)


class RedactSecrets(logging.Filter):
    """For handlers: what they write holds no secret of an address."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message in place; a structured one value by value."""
        if isinstance(record.msg, dict):
            record.msg = {
                key: redacted(value) if isinstance(value, str) else value
                for key, value in record.msg.items()
            }
            return True
        message = record.getMessage()
        if (clean := redacted(message)) != message:
            record.msg, record.args = clean, ()
        return True
