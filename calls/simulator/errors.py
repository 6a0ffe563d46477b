"""Twilio's REST errors: number, sentence and HTTP status, as JSON."""

from __future__ import annotations

from aiohttp import web


class RestError(Exception):
    """An error answered to a REST request (twilio.com/docs/api/errors)."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def response(self) -> web.Response:
        """Return the answer Twilio gives."""
        body = {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else {}
        return web.json_response(body, status=self.status, headers=headers)


def not_found(path: str) -> RestError:
    """Return the error for a resource that does not exist."""
    return RestError(20404, f"The requested resource {path} was not found", 404)
