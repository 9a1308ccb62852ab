"""Who may do what: one user with one bearer token at a time, less what was denied. Pure."""

import hmac
import secrets
from typing import Any

import msgspec

from sandbox.plain import Plain
from sandbox.resources import Place
from sandbox.statuses import bad_request, forbidden, forbidden_review, invalid, unauthorized

USER = "podwire-sandbox"
ANONYMOUS = "system:anonymous"
EVERY = "*"


class Access:
    """The token that is valid now, and the verbs that are denied."""

    def __init__(self, *, open_to_all: bool = False) -> None:
        """`open_to_all`: a request without a token counts as the user's. kubectl sends none over plain HTTP."""
        self._nobody = USER if open_to_all else ANONYMOUS
        self.token = secrets.token_hex(16)
        self._denied: set[tuple[str, str]] = set()

    def rotate(self) -> str:
        """Makes the token invalid and gives the new one."""
        self.token = secrets.token_hex(16)
        return self.token

    def deny(self, verb: str, plural: str) -> None:
        """Refuses a verb (`*`: any) on a resource from now on."""
        self._denied.add((verb, plural))

    def allow(self, verb: str, plural: str) -> None:
        """Takes a `deny` back; `*` takes back every verb's."""
        self._denied = {
            (denied, of)
            for denied, of in self._denied
            if of != plural or (verb != EVERY and denied not in (verb, EVERY))
        }

    def allow_all(self) -> None:
        """Takes every `deny` back."""
        self._denied.clear()

    def denied(self) -> list[str]:
        """What is refused, as `verb resource`."""
        return sorted(f"{verb} {plural}" for verb, plural in self._denied)

    def user_of(self, authorization: str | None) -> str:
        """The user that a request's `Authorization` names. Raises ApiError (401) for a token that is not, or no longer, valid."""
        if authorization is None:
            return self._nobody
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self.token.encode()):
            raise unauthorized()
        return USER

    def may(self, user: str, verb: str, plural: str) -> bool:
        """Whether the user may use the verb on the resource."""
        return user == USER and not self._denied & {(verb, plural), (EVERY, plural)}

    def check(self, user: str, verb: str, place: Place) -> None:
        """Raises ApiError (403) where the user may not."""
        if not self.may(user, verb, place.resource.plural):
            raise forbidden(user=user, verb=verb, resource=place.resource, namespace=place.namespace, name=place.name)

    def review(self, user: str, body: bytes) -> Plain:
        """Answers a SelfSubjectAccessReview, which everybody but the anonymous may ask for. Raises ApiError (400, 403, 422)."""
        if user == ANONYMOUS:
            raise forbidden_review(user)
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_request(f"the object provided is unrecognized: {error}") from error
        spec = asked.get("spec") or {}
        attributes = spec.get("resourceAttributes")
        if not isinstance(attributes, dict):
            message = (
                'Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified'
            )
            raise invalid(
                '.authorization.k8s.io ""',
                field="spec.resourceAttributes",
                cause="FieldValueInvalid",
                message=message,
                details={"group": "authorization.k8s.io"},
            )
        # Whether there is such a resource makes no difference to a real server either.
        allowed = self.may(user, str(attributes.get("verb", "")), str(attributes.get("resource", "")))
        return {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": spec,
            "status": {"allowed": allowed} if allowed else {"allowed": False, "reason": "denied in the sandbox"},
        }
