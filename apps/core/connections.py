"""What is set on every connection to a database server."""

from typing import Any

from django.conf import settings
from django.db.backends.signals import connection_created


def end_frozen_transactions(sender: Any, connection: Any, **_: Any) -> None:
    """Have the server end a transaction whose process says nothing any more.

    A process that is frozen, or cut off, in the middle of a transaction holds its locks for ever: nobody
    could take its job over.
    """
    if connection.vendor == "postgresql":
        milliseconds = int(2000 * settings.JOB_LEASE_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {milliseconds}")


connection_created.connect(end_frozen_transactions, dispatch_uid="end_frozen_transactions")
