"""What the API server has been told to do wrong to requests: refuse them, answer lists slowly, forget continue tokens. Pure.

Faults of watches that are open go to the watches themselves (`watching`); denials stand in `access`.
"""

from dataclasses import dataclass, field

from sandbox.statuses import ApiError, too_many_requests

_REASONS = {410: "Expired", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


@dataclass(kw_only=True)
class Refusal:
    """The next `count` requests are answered with `status`. Empty `verb` or `resource` stands for any."""

    status: int
    count: int
    retry_after_seconds: int = 1
    verb: str = ""
    resource: str = ""

    def concerns(self, verb: str, plural: str) -> bool:
        """Whether a request is one of those."""
        return self.count > 0 and self.verb in ("", verb) and self.resource in ("", plural)

    def error(self) -> ApiError:
        """The answer."""
        if self.status == 429:
            return too_many_requests(self.retry_after_seconds)
        message = f"the sandbox was told to answer {self.status}"
        return ApiError(code=self.status, reason=_REASONS.get(self.status, ""), message=message)


@dataclass
class Faults:
    """All that is ordered."""

    streaming: bool = True
    """Whether the server has streaming lists; without them it follows 1.20's rules."""
    tokens_from: int = 0
    """Continue tokens of versions before this one have expired."""
    slow_seconds: dict[str, float] = field(default_factory=dict)
    """Delay of each page of a list, by resource."""
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, verb: str, plural: str) -> None:
        """Raises the refusal that concerns a request, and counts it down."""
        for refusal in self.refusals:
            if refusal.concerns(verb, plural):
                refusal.count -= 1
                self.refusals = [one for one in self.refusals if one.count > 0]
                raise refusal.error()

    def clear(self) -> None:
        """Forgets every refusal and delay."""
        self.slow_seconds.clear()
        self.refusals.clear()
