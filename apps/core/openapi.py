"""What the OpenAPI document says of every operation alike."""

from typing import Any

from apps.core.problems import MEDIA_TYPE

ERRORS = {
    "400": "What was sent cannot be taken: problems by field in `errors`, each in sentences.",
    "401": "The token or session is missing, unknown, expired or revoked.",
    "403": "The role or the token's scope is too low.",
    "404": "There is no such thing among what this token or person may see.",
    "429": "More requests than a token or person may make in a minute; `Retry-After` says when to go on.",
}
_KEYED = {
    "409": "A request with this `Idempotency-Key` has begun and not ended.",
    "422": "This `Idempotency-Key` was used for another request.",
}
_PROBLEM = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for whoever reads it."},
        "errors": {
            "type": "object",
            "additionalProperties": {},
            "description": "Problems by field.",
        },
    },
    "additionalProperties": {},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Letters of your own for this request: sent again within 24 hours, it is answered as "
    "it was and not done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


def document_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: every operation also says how it refuses."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    body = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in result["paths"].values():
        for method, operation in path.items():
            said = dict(ERRORS)
            if method == "post":
                said |= _KEYED
                operation.setdefault("parameters", []).append(_KEY)
            for status, description in said.items():
                operation["responses"].setdefault(status, {"description": description})
            for status, response in operation["responses"].items():
                if status >= "400":
                    # An operation may also refuse in a form of its own, as OpenAI's clients expect.
                    response["content"] = response.get("content", {}) | body
    return result
