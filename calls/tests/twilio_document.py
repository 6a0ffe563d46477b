"""Twilio's own description of its API (OpenAPI), held against what is sent and what is answered.

`data/twilio_api_v2010.json` holds the parts of Twilio's published document (Apache 2.0) that we
call or imitate, without its prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from twilio.http.http_client import TwilioHttpClient

FILE = Path(__file__).parent / "data/twilio_api_v2010.json"
_formats = FormatChecker(formats=())


class NotAsDocumented(AssertionError):  # noqa: N818 - says what is wrong
    """A request or an answer that Twilio's document does not allow."""


@_formats.checks("http-method")
def _is_method(value: object) -> bool:
    return value in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH")


@_formats.checks("date-time-rfc-2822")
def _is_rfc2822(value: object) -> bool:
    return not isinstance(value, str) or parsedate_to_datetime(value) is not None


@_formats.checks("endpoint")
def _is_endpoint(value: object) -> bool:
    return bool(
        re.fullmatch(r"\+[1-9]\d{6,14}|client:[\w.@+-]{1,121}(\?\S*)?|sips?:.+", str(value))
    )


@cache
def _document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    # The document's own example of this field is text ("-0.0025"), as the API really sends it.
    recording = loaded["components"]["schemas"]["api.v2010.account.call.call_recording"]
    recording["properties"]["price"]["type"] = "string"
    return loaded


@cache
def _operations() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), methods)
        for path, methods in _document()["paths"].items()
    ]


def operation(method: str, url: str) -> dict[str, Any]:
    """Return what the document says of a request.

    Raises:
        NotAsDocumented: it knows no such request.
    """
    path = urlsplit(url).path
    for pattern, methods in _operations():
        if pattern.fullmatch(path) and method.lower() in methods:
            found: dict[str, Any] = methods[method.lower()]
            return found
    raise NotAsDocumented(f"{method} {path} is not in Twilio's document")


def check_request(
    method: str, url: str, *, form: Mapping[str, Any], query: Mapping[str, Any]
) -> None:
    """Hold a request against the document. A field that it does not know is an error."""
    found = operation(method, url)
    content = found.get("requestBody", {}).get("content", {})
    schema = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
    _check_fields(schema, form, f"{method} {urlsplit(url).path}")
    known = {p["name"]: p["schema"] for p in found.get("parameters", []) if p["in"] == "query"}
    _check_fields({"type": "object", "properties": known}, query, f"{method} query")


def check_answer(method: str, url: str, *, status: int, body: str) -> None:
    """Hold a successful answer against the document."""
    responses = operation(method, url)["responses"]
    if str(status) not in responses:
        raise NotAsDocumented(f"{method} {url} answers {sorted(responses)}, not {status}")
    content = responses[str(status)].get("content", {})
    if not content:
        return
    schema = content["application/json"]["schema"]
    _complain(schema, json.loads(body), f"the answer to {method} {urlsplit(url).path}")


def _check_fields(schema: Mapping[str, Any], fields: Mapping[str, Any], what: str) -> None:
    strict = {**schema, "type": "object", "additionalProperties": False}
    given = {name: _typed(value) for name, value in fields.items() if value is not None}
    properties = schema.get("properties", {})
    for name, value in given.items():
        # One value of a list is sent as that value.
        if properties.get(name, {}).get("type") == "array" and not isinstance(value, list):
            given[name] = [value]
        if properties.get(name, {}).get("type") == "string" and not isinstance(value, list):
            given[name] = str(fields[name])
    _complain(strict, given, what)


def _typed(value: Any) -> Any:
    """Return a form's value as JSON would hold it."""
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    text = str(value)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if re.fullmatch(r"\d{1,9}", text) else text


def _complain(schema: Mapping[str, Any], value: Any, what: str) -> None:
    validator = Draft202012Validator(_plain(schema), format_checker=_formats)
    faults = [
        f"{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(value)
    ]
    if faults:
        raise NotAsDocumented(f"{what}: " + "; ".join(faults))


def _plain(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema: references resolved, `nullable` as a type."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(_document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    plain = {name: _plain(part) for name, part in schema.items() if name != "nullable"}
    if schema.get("nullable"):
        return {"anyOf": [{"type": "null"}, plain]}
    return plain


def watch_sdk(monkeypatch: Any) -> None:
    """Check every exchange of the Twilio SDK from now on; refused requests are not judged."""
    real = TwilioHttpClient.request

    def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        answer = real(self, method, url, *args, **kwargs)
        if answer.status_code < 300 and "/2010-04-01/" in url:
            query = {**(kwargs.get("params") or {}), **dict(parse_qsl(urlsplit(url).query))}
            form = kwargs.get("data") or {}
            if args:
                query |= args[0] or {}
            if len(args) > 1:
                form |= args[1] or {}
            check_request(method, url, form=form, query=query)
            check_answer(method, url, status=answer.status_code, body=answer.text)
        return answer

    monkeypatch.setattr(TwilioHttpClient, "request", request)
