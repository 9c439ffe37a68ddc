"""What this server will not go along with: told to who asked for it, and to nobody else."""

from streaming.messages import Error


class Refused(Exception):
    """Ends a connection with this close code, and says why."""

    def __init__(self, code: int, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.error = Error.of(code, message, retry_after_ms)
