"""What the OpenAPI document says of every operation alike."""

from typing import Any

ERRORS = {
    "400": "What was sent cannot be taken: problems by field, each in sentences.",
    "401": "The token or session is missing, unknown, expired or revoked.",
    "403": "The role or the token's scope is too low.",
    "404": "There is no such thing among what this token or person may see.",
}
_BY_FIELD: dict[str, Any] = {"type": "object", "additionalProperties": {}}
_BODY = {"application/json": {"schema": _BY_FIELD}}


def document_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: every operation also says how it refuses."""
    for path in result["paths"].values():
        for operation in path.values():
            for status, description in ERRORS.items():
                said = operation["responses"].setdefault(
                    status, {"description": description, "content": _BODY}
                )
                # A room that says more of its refusals may refuse by field as well.
                for body in said.get("content", {}).values():
                    if body["schema"] is not _BY_FIELD:
                        body["schema"] = {"anyOf": [body["schema"], _BY_FIELD]}
    return result
