"""A typed Python client made from the OpenAPI document: one file that needs nothing but Python.

The installation makes it of the document it serves, so that a client and its server never differ.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BASE = Path(__file__).with_name("client_base.py.txt")
_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_SENT = ("application/json", "multipart/form-data")

Schema = dict[str, Any]


def source(document: dict[str, Any]) -> str:
    """The client's source: a `TypedDict` for each schema and a method for each operation."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    lines = [_BASE.read_text(encoding="utf-8").rstrip("\n"), ""]
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            lines += ["", *_method(path, verb, operation)]
    lines += ["", ""]
    for name in sorted(schemas):
        lines += [*_type(name, schemas[name]), ""]
    return "\n".join(lines)


def _type(name: str, schema: Schema) -> list[str]:
    if schema.get("type") == "object" and schema.get("properties"):
        required = set(schema.get("required", ()))
        fields = [
            f"    {json.dumps(key)}: {_field(one, key in required)},"
            for key, one in schema["properties"].items()
        ]
        return [f'{name} = TypedDict("{name}", {{', *fields, "})"]
    return [f"{name} = {_hint(schema, quoted=True)}"]


def _field(schema: Schema, required: bool) -> str:
    hint = _hint(schema, quoted=True)
    return hint if required else f"NotRequired[{hint}]"


def _hint(schema: Schema, *, quoted: bool = False) -> str:
    """The type of a schema. `quoted`: names may stand before they are defined."""
    hint = _plain_hint(schema, quoted)
    if schema.get("nullable") and hint != "Any":
        return f"Optional[{hint}]"
    return hint


def _plain_hint(schema: Schema, quoted: bool) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f'"{name}"' if quoted else name
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        return f"Literal[{', '.join(json.dumps(value) for value in values)}]"
    for word in ("oneOf", "anyOf"):
        if word in schema:
            hints = dict.fromkeys(_hint(one, quoted=quoted) for one in schema[word])
            return f"Union[{', '.join(hints)}]"
    if len(schema.get("allOf", ())) == 1:
        return _hint(schema["allOf"][0], quoted=quoted)
    kind = schema.get("type")
    if schema.get("format") == "binary":
        return "File"
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind == "array":
        return f"list[{_hint(schema['items'], quoted=quoted)}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        inside = _hint(inner, quoted=quoted) if isinstance(inner, dict) and inner else "Any"
        return f"dict[str, {inside}]"
    return "Any"


def _method(path: str, verb: str, operation: dict[str, Any]) -> Iterator[str]:
    parameters = operation.get("parameters", [])
    inside = [one for one in parameters if one["in"] == "path"]
    query = [one for one in parameters if one["in"] == "query"]
    body, form = _body(operation)
    arguments = ["self"]
    arguments += [f"{_name(one['name'])}: {_hint(one['schema'])}" for one in inside]
    arguments += [f"body: {body}"] if body else []
    asked = [f"{_name(one['name'])}: Optional[{_hint(one['schema'])}] = None" for one in query]
    named = ["*", *asked] if asked else []
    if verb == "post":
        named = [*(named or ["*"]), "key: Optional[str] = None"]
    answer, answered = _answer(operation)
    yield f"    def {_name(operation['operationId'])}("
    yield f"        {', '.join([*arguments, *named])}"
    yield f"    ) -> {answer}:"
    yield f'        """{_said(operation, verb, path)}"""'
    address = re.sub(r"\{(\w+)\}", lambda found: f"{{_part({_name(found[1])})}}", path)
    call = [json.dumps(verb.upper()), f'f"{address}"']
    if query:
        pairs = ", ".join(f"{json.dumps(one['name'])}: {_name(one['name'])}" for one in query)
        call.append(f"query={{{pairs}}}")
    if body:
        call.append(f"{'form' if form else 'body'}=body")
    if verb == "post":
        call.append("key=key")
    ask = f"self._ask({', '.join(call)})"
    yield f"        return cast({json.dumps(answer)}, {ask})" if answered else f"        {ask}"


def _body(operation: dict[str, Any]) -> tuple[str, bool]:
    """The type of what is sent, empty where nothing is; and whether it is a form."""
    content = operation.get("requestBody", {}).get("content", {})
    for kind in _SENT:
        if kind in content:
            return _hint(content[kind]["schema"], quoted=True), kind == "multipart/form-data"
    return "", False


def _answer(operation: dict[str, Any]) -> tuple[str, bool]:
    """The type of a good answer, and whether there is one."""
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response.get("content", {})
            if "application/json" in content:
                return _hint(content["application/json"]["schema"], quoted=True).strip('"'), True
            return ("Any", True) if content else ("None", False)
    return "None", False


def _said(operation: dict[str, Any], verb: str, path: str) -> str:
    text = " ".join(str(operation.get("description", "")).split())
    text = text.replace("\\", "").replace('"', "'") or f"{verb.upper()} {path}"
    return text if len(text) <= 200 else f"{text[:199].rsplit(' ', 1)[0]} …"


def _name(text: str) -> str:
    """A name that Python takes."""
    clean = re.sub(r"\W", "_", text)
    return f"{clean}_" if keyword.iskeyword(clean) or clean in ("self", "body", "key") else clean
