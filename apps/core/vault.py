"""Secrets that must be read again: encrypted where they are kept, and opened only for what they are bound to.

A sealed text is a Fernet token (AES-128-CBC with HMAC-SHA256) whose key comes from the installation's own
by HKDF-SHA256. What it is bound to is sealed in with it: a row that is moved to another address, in the
database itself or in a backup, does not take its secret along.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """A sealed text that the keys of this installation do not open, or not for this purpose."""


def seal(secret: str, *, bound_to: str) -> str:
    """`secret` encrypted with the newest key, to be opened for `bound_to` alone."""
    inside = json.dumps([bound_to, secret]).encode()
    return _keys().encrypt(inside).decode("ascii")


def unseal(sealed: str, *, bound_to: str) -> str:
    """What was sealed for `bound_to`. Raises Unreadable."""
    try:
        purpose, secret = json.loads(_keys().decrypt(sealed.encode("ascii", "replace")))
    except (InvalidToken, ValueError) as error:
        raise Unreadable("The keys of this installation do not open it.") from error
    if purpose != bound_to:
        raise Unreadable("It was sealed for something else.")
    return str(secret)


def _keys() -> MultiFernet:
    """The first one seals, each of them opens."""
    return MultiFernet([Fernet(_derived(text)) for text in settings.ENCRYPTION_KEYS])


def _derived(text: str) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"assay: secrets at rest")
    return urlsafe_b64encode(kdf.derive(text.encode()))
