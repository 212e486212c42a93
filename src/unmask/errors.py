"""What can go wrong, in words for the user: what, where, what to do; and the exit code it earns."""

from __future__ import annotations


class UnmaskError(Exception):
    """Could not finish. `where` and `hint` are shown below the message, each on its own line."""

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    @property
    def kind(self) -> str:
        """The word that `--json` gives as `error.kind`."""
        return type(self).__name__.removesuffix("Error").lower()


class UsageError(UnmaskError):
    """The user asked for something that cannot be: nothing was sent, nothing was written."""

    exit_code = 2


class PackError(UsageError):
    """A prompt pack is missing, malformed, or breaks its own invariants."""


class QueryError(UsageError):
    """A query set is missing, empty, or lacks a column."""


class StudyError(UsageError):
    """A study file asks for something that is unknown or cannot be computed from its cells."""


class ModelError(UsageError):
    """A model is unknown, lacks a key, or its window is too small for the prompt."""


class EngineError(UnmaskError):
    """The embedded engine could not load or answer."""


class RecordsError(UnmaskError):
    """Logs or tables cannot be read as records."""


class JudgeError(UnmaskError):
    """A judge could not be set up. A judgement that fails is a row with a status, never this."""


class TrainingError(UnmaskError):
    """A training failed on the way; its last whole checkpoint stays."""


class EstimateError(UnmaskError, ValueError):
    """The numbers given cannot carry the estimate that was asked for."""
