"""The base that every stored thing stands on."""

import uuid

from django.db import models
from django.utils.crypto import get_random_string
from django.utils.text import slugify

# Crockford's alphabet: no letter that can be taken for a digit.
_SLUG_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Base(models.Model):
    """A row with an unguessable id and its time of birth."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


def new_slug(name: str) -> str:
    """An address made from a name; its random tail keeps it unique and tells a stranger nothing."""
    stem = slugify(name)[:40].strip("-")
    tail = get_random_string(6, _SLUG_ALPHABET)
    return f"{stem}-{tail}" if stem else tail
