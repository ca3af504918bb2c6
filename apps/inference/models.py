"""What this room keeps."""

from apps.inference.endpoints.models import Endpoint

__all__ = ["Endpoint"]
