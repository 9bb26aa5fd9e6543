"""Errors in the form that OpenAI's clients know: {"error": {"message", "type", "param", "code"}}."""

from typing import Any

from asr_app.errors import AsrError, AudioFormatError, ConfigError


class ApiError(Exception):
    """A request that is refused: the HTTP status, what is wrong and what to do, and which field it is about."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that tells it."""
        kind = {429: "rate_limit_error", 500: "server_error", 503: "server_error", 507: "server_error"}
        error = {"message": str(self), "type": kind.get(self.status, "invalid_request_error")}
        return {"error": {**error, "param": self.param, "code": self.code}}


def api_error(error: AsrError) -> ApiError:
    """An error of the program as a client is told it."""
    if isinstance(error, AudioFormatError | ConfigError):
        return ApiError(400, str(error), "file", "invalid_audio")
    return ApiError(503, str(error))
