"""A local Google: the Sheets v4 REST calls that gspread makes, and the sign-in before them.

Spreadsheets are lists of lists. It checks what Google checks (tokens, sharing, ranges, the grid's
size, quotas) and answers with Google's own error objects; `fail` plans faults.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt
from gspread.utils import a1_range_to_grid_range

from leads.sheets import client, quota

ROBOT = "robot@reauto-test.iam.gserviceaccount.com"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
# Whatever the token's address is: google-auth always names Google's own.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip


@dataclass
class Tab:
    """A tab: rows of values, and the size of its grid."""

    title: str
    rows: list[list[Any]]
    id: int = 0
    row_count: int = 1000
    column_count: int = 26


@dataclass
class Book:
    """A spreadsheet, and who may use it."""

    title: str
    tabs: list[Tab]
    editors: set[str] = field(default_factory=lambda: {ROBOT})
    viewers: set[str] = field(default_factory=set)


@dataclass
class Fault:
    """What happens to the next requests that fit, instead of an answer or after the work."""

    match: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    times: int = 1
    after_work: bool = False
    hang_up: bool = False
    reason: str = ""


class Refused(Exception):  # noqa: N818 - says what happened
    """An error answer."""

    def __init__(self, code: int, message: str, reason: str = "") -> None:
        self.code, self.message, self.reason = code, message, reason


class SheetsServer:
    """Use as a context manager; `url` is where it listens."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.tokens: dict[str, str] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.per_minute: int | None = None
        self.before: Callable[[str, str], None] | None = None
        self._sent: list[float] = []
        self._lock = threading.RLock()

    def __enter__(self) -> SheetsServer:
        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._httpd.daemon_threads = True
        threading.Thread(target=self._httpd.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._httpd.server_address[1]}"
        return self

    def __exit__(self, *_error: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()

    def sheet(self, rows: list[list[Any]], *, id: str = "sheet-" + "1" * 30, **tab: Any) -> Tab:
        """Add a spreadsheet of one tab, shared with the robot, and return the tab."""
        made = Tab("Leads", [list(row) for row in rows], **tab)
        self.books[id] = Book("Spring fair", [made])
        return made

    def key_file(self, folder: Path) -> Path:
        """Write the key file of a service account that signs in here."""
        pem = _KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = folder / "robot.json"
        path.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "project_id": "reauto-test",
                    "private_key_id": "1",
                    "private_key": pem.decode(),
                    "client_email": ROBOT,
                    "client_id": "1",
                    "token_uri": f"{self.url}/token",
                }
            )
        )
        return path

    def fail(self, match: str, status: int = 0, **fault: Any) -> None:
        """Plan a fault for requests whose "METHOD path" contains `match`."""
        self.faults.append(Fault(match, status, **fault))

    def count(self, text: str) -> int:
        """Return how many requests had a text in their "METHOD path"."""
        return sum(text in f"{method} {path}" for method, path in self.requests)

    # What the handler asks -----------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        with self._lock:
            if path == "/token":
                return self._token(body)
            if path == "/revoke":
                return {}
            match = re.fullmatch(r"/v4/spreadsheets/([^/:]+)(/values)?(.*)", path)
            if match is None:
                raise Refused(404, "Requested entity was not found.")
            return self._sheets(method, match, query, body)

    def sign_in(self, header: str, sheet_id: str, *, writing: bool) -> None:
        who = self.tokens.get(header.removeprefix("Bearer "))
        if who is None:
            raise Refused(401, "Request had invalid authentication credentials.")
        book = self.books.get(sheet_id)
        if book is None:
            raise Refused(404, "Requested entity was not found.")
        if who not in book.editors and (writing or who not in book.viewers):
            raise Refused(403, "The caller does not have permission")

    def take_quota(self) -> None:
        if self.per_minute is None:
            return
        now = time.monotonic()
        self._sent = [at for at in self._sent if at > now - 60] + [now]
        if len(self._sent) > self.per_minute:
            raise Refused(
                429,
                "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per "
                "minute per user' of service 'sheets.googleapis.com' for consumer 'reauto-test'.",
                "RATE_LIMIT_EXCEEDED",
            )

    def _token(self, body: dict[str, list[str]]) -> dict[str, Any]:
        kind = body["grant_type"][0]
        if kind == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            public = _KEY.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            claims = jwt.decode(body["assertion"][0], certs=public, audience=_AUDIENCE)
            who = claims["iss"]
        elif kind == "authorization_code":
            who = self.codes.pop(body["code"][0], "")
            if not who or not body.get("code_verifier"):
                raise Refused(400, "invalid_grant")
            refresh = f"refresh-{len(self.refresh_tokens)}"
            self.refresh_tokens[refresh] = who
            return {**self._grant(who), "refresh_token": refresh, "id_token": _id_token(who)}
        else:
            who = self.refresh_tokens.get(body["refresh_token"][0], "")
            if not who:
                raise Refused(400, "invalid_grant")
        return self._grant(who)

    def _grant(self, who: str) -> dict[str, Any]:
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = who
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def _sheets(
        self, method: str, match: re.Match[str], query: dict[str, list[str]], body: Any
    ) -> Any:
        sheet_id, values, rest = match.groups()
        book = self.books[sheet_id]
        if not values:
            if method == "GET":
                return _metadata(book)
            return self._batch(book, body)
        if rest == ":batchGet":
            return {
                "spreadsheetId": sheet_id,
                "valueRanges": [_read(book, name, query) for name in query["ranges"]],
            }
        if rest == ":batchUpdate":
            return {"responses": [_write(book, part["range"], part["values"])
                                  for part in body["data"]]}  # fmt: skip
        name, _, verb = unquote(rest.removeprefix("/")).rpartition(":append")
        if verb == "" and name and method == "POST":
            return _append(book, name, body["values"])
        name = unquote(rest.removeprefix("/"))
        if method == "GET":
            return _read(book, name, query)
        return _write(book, name, body["values"])

    def _batch(self, book: Book, body: Any) -> Any:
        for request in body["requests"]:
            if "updateSheetProperties" in request:
                about = request["updateSheetProperties"]["properties"]
                tab = next(tab for tab in book.tabs if tab.id == about["sheetId"])
                tab.column_count = about["gridProperties"].get("columnCount", tab.column_count)
                tab.row_count = about["gridProperties"].get("rowCount", tab.row_count)
            elif "deleteDimension" in request:
                span = request["deleteDimension"]["range"]
                tab = next(tab for tab in book.tabs if tab.id == span["sheetId"])
                del tab.rows[span["startIndex"] : span["endIndex"]]
            else:
                raise Refused(400, f"Unknown request {next(iter(request))}")
        return {"replies": [{}] * len(body["requests"])}


def _metadata(book: Book) -> dict[str, Any]:
    return {
        "properties": {"title": book.title},
        "sheets": [
            {
                "properties": {
                    "sheetId": tab.id,
                    "title": tab.title,
                    "sheetType": "GRID",
                    "gridProperties": {
                        "rowCount": tab.row_count,
                        "columnCount": tab.column_count,
                    },
                }
            }
            for tab in book.tabs
        ],
    }


def _place(book: Book, name: str) -> tuple[Tab, int, int, int, int]:
    """Return tab, first row and column, and the ends (exclusive), counted from 0."""
    title, _, cells = name.rpartition("!")
    title = title.strip("'").replace("''", "'")
    tab = next((tab for tab in book.tabs if tab.title == title), None)
    if tab is None:
        raise Refused(400, f"Unable to parse range: {name}")
    grid = a1_range_to_grid_range(cells)
    row, column = grid.get("startRowIndex", 0), grid.get("startColumnIndex", 0)
    row_end = grid.get("endRowIndex", tab.row_count)
    column_end = grid.get("endColumnIndex", tab.column_count)
    if row_end > tab.row_count or column_end > tab.column_count:
        raise Refused(
            400,
            f"Range ({name}) exceeds grid limits. Max rows: {tab.row_count}, "
            f"max columns: {tab.column_count}",
        )
    return tab, row, column, row_end, column_end


def _read(book: Book, name: str, query: dict[str, list[str]]) -> dict[str, Any]:
    tab, row, column, row_end, column_end = _place(book, name)
    plain = query.get("valueRenderOption", [""])[0] == "UNFORMATTED_VALUE"
    rows = [
        _trimmed([cell if plain else str(cell) for cell in cells[column:column_end]])
        for cells in tab.rows[row:row_end]
    ]
    while rows and not rows[-1]:
        rows.pop()
    answer: dict[str, Any] = {"range": name, "majorDimension": "ROWS"}
    if rows:
        answer["values"] = rows
    return answer


def _write(book: Book, name: str, values: list[list[Any]]) -> dict[str, Any]:
    tab, row, column, _, _ = _place(book, name)
    for down, cells in enumerate(values):
        while len(tab.rows) <= row + down:
            tab.rows.append([])
        target = tab.rows[row + down]
        target += [""] * (column + len(cells) - len(target))
        target[column : column + len(cells)] = cells
    return {"updatedRange": name, "updatedRows": len(values)}


def _append(book: Book, name: str, values: list[list[Any]]) -> dict[str, Any]:
    tab, *_ = _place(book, name)
    last = max((n for n, cells in enumerate(tab.rows, 1) if _trimmed(cells)), default=0)
    del tab.rows[last:]
    tab.rows += [list(cells) for cells in values]
    tab.row_count = max(tab.row_count, len(tab.rows))
    where = f"'{tab.title}'!A{last + 1}"
    return {"updates": {"updatedRange": where, "updatedRows": len(values)}}


def _trimmed(cells: list[Any]) -> list[Any]:
    cells = list(cells)
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _id_token(email: str) -> str:
    import base64

    parts = ({"alg": "none"}, {"email": email})
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
             for part in parts]  # fmt: skip
    return ".".join([*texts, ""])


def _handler(server: SheetsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one packet: in two, the second waits for an acknowledgement

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            form = "urlencoded" in self.headers.get("Content-Type", "")
            body = parse_qs(raw.decode()) if form else json.loads(raw or b"null")
            server.requests.append((self.command, unquote(parts.path)))
            if server.before:
                server.before(self.command, unquote(parts.path))
            fault = self._fault(f"{self.command} {unquote(parts.path)}")
            if fault and not fault.after_work:
                return self._send_fault(fault)
            try:
                if parts.path.startswith("/v4/"):
                    sheet_id = re.split(r"[/:]", parts.path.removeprefix("/v4/spreadsheets/"))[0]
                    writing = self.command != "GET"
                    token = self.headers.get("Authorization", "")
                    server.sign_in(token, sheet_id, writing=writing)
                    server.take_quota()
                answer = server.answer(self.command, parts.path, parse_qs(parts.query), body)
            except Refused as refusal:
                if parts.path == "/token":
                    return self._send(400, {"error": refusal.message})
                return self._send_error(refusal.code, refusal.message, refusal.reason)
            if fault:
                return self._send_fault(fault)
            return self._send(200, answer)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - named by http.server

        def _fault(self, what: str) -> Fault | None:
            for fault in server.faults:
                if fault.match in what and fault.times:
                    fault.times -= 1
                    return fault
            return None

        def _send_fault(self, fault: Fault) -> None:
            if fault.hang_up:
                self.close_connection = True
                self.connection.close()
            elif fault.body is not None:
                self._send_raw(fault.status, fault.body.encode(), fault.headers)
            else:
                self._send_error(fault.status, "planned", fault.reason, fault.headers)

        def _send_error(
            self, code: int, message: str, reason: str = "", headers: dict[str, str] | None = None
        ) -> None:
            error: dict[str, Any] = {
                "code": code, "message": message, "status": _STATUS.get(code, "UNKNOWN"),
            }  # fmt: skip
            if reason:
                error["details"] = [
                    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
                ]
            self._send(code, {"error": error}, headers)

        def _send(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
            self._send_raw(code, json.dumps(body).encode(), headers or {})

        def _send_raw(self, code: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def google(settings: Any, folder: Path) -> Iterator[SheetsServer]:
    """Run a local Google, and point the product at it. Quotas and waits have tests of their own."""
    wide = quota.Limit(per_minute=6000, burst=5000)
    with (
        SheetsServer() as server,
        patch.multiple(quota, USER=wide, PROJECT=wide),
        patch.object(client, "_FIRST_WAIT_S", 0.0),
    ):
        settings.ENV = settings.ENV.model_copy(
            update={
                "google_sheets_base_url": server.url,
                "google_oauth_base_url": server.url,
                "google_accounts_base_url": server.url,
                "google_service_account_file": str(server.key_file(folder)),
            }
        )
        yield server
