"""Errors as the API server words them: HTTP status and `Status` object (apimachinery, pkg/api/errors)."""

from typing import Any

import msgspec

from sandbox.resources import Resource

INCONSISTENT_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
    "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided "
    "token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was "
    "returned and now may show up in the list."
)


class ApiError(Exception):
    """A refusal, with everything that the answer needs."""

    def __init__(
        self,
        *,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        retry_after_seconds: int | None = None,
        continue_: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details
        self.retry_after_seconds = retry_after_seconds
        self.continue_ = continue_

    def body(self) -> bytes:
        """The `Status` object as JSON."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.continue_} if self.continue_ else {},
            "status": "Failure",
            "message": str(self),
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return msgspec.json.encode({**status, "code": self.code})


def unauthorized() -> ApiError:
    """A token that nobody knows."""
    return ApiError(code=401, reason="Unauthorized", message="Unauthorized")


def forbidden(*, user: str, verb: str, resource: Resource, namespace: str, name: str) -> ApiError:
    """A verb on a resource that this user may not use."""
    scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    named = f' "{name}"' if name else ""
    return ApiError(
        code=403,
        reason="Forbidden",
        message=f'{resource.full_name}{named} is forbidden: User "{user}" cannot {verb} resource "{resource.plural}" '
        f'in API group "{resource.group}" {scope}',
        details=details_of(resource, name),
    )


def forbidden_review(user: str) -> ApiError:
    """An access review that this user may not ask for."""
    group, plural = "authorization.k8s.io", "selfsubjectaccessreviews"
    return ApiError(
        code=403,
        reason="Forbidden",
        message=f'{plural}.{group} is forbidden: User "{user}" cannot create resource "{plural}" in API group "{group}" '
        "at the cluster scope",
        details={"group": group, "kind": plural},
    )


def no_such_path() -> ApiError:
    """Nothing is served under the path."""
    message = "the server could not find the requested resource"
    return ApiError(code=404, reason="NotFound", message=message, details={})


def not_found(resource: Resource, name: str) -> ApiError:
    """No object of this name."""
    message = f'{resource.full_name} "{name}" not found'
    return ApiError(code=404, reason="NotFound", message=message, details=details_of(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """A create of what is there."""
    message = f'{resource.full_name} "{name}" already exists'
    return ApiError(code=409, reason="AlreadyExists", message=message, details=details_of(resource, name))


def conflict(resource: Resource, name: str, *, because: str) -> ApiError:
    """A write whose precondition does not hold."""
    message = f'Operation cannot be fulfilled on {resource.full_name} "{name}": {because}'
    return ApiError(code=409, reason="Conflict", message=message, details=details_of(resource, name))


def bad_request(message: str) -> ApiError:
    """A request that cannot be understood."""
    return ApiError(code=400, reason="BadRequest", message=message)


def invalid(subject: str, *, field: str, cause: str, message: str, details: dict[str, Any]) -> ApiError:
    """A value that validation refuses; `cause` is the reason's name, such as `FieldValueForbidden`."""
    causes = [{"reason": cause, "message": message, "field": field}]
    text = f"{subject} is invalid: {field}: {message}"
    return ApiError(code=422, reason="Invalid", message=text, details={**details, "causes": causes})


def invalid_options(field: str, message: str) -> ApiError:
    """Query parameters that may not stand together."""
    return invalid(
        'ListOptions.meta.k8s.io ""',
        field=field,
        cause="FieldValueForbidden",
        message=f"Forbidden: {message}",
        details={"group": "meta.k8s.io", "kind": "ListOptions"},
    )


def method_not_allowed() -> ApiError:
    """The path is served, but not with this method."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(code=405, reason="MethodNotAllowed", message=message, details={})


def not_acceptable() -> ApiError:
    """No representation that the client accepts is served here."""
    message = "406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch"
    return ApiError(code=406, reason="NotAcceptable", message=message, details={})


def unsupported_media_type() -> ApiError:
    """A body in a form that is not understood here."""
    return ApiError(code=415, reason="UnsupportedMediaType", message="415: Unsupported Media Type", details={})


def expired_list() -> ApiError:
    """A list at a version that is forgotten."""
    return ApiError(code=410, reason="Expired", message="The resourceVersion for the provided list is too old.")


def expired_continue(continue_: str) -> ApiError:
    """A continue token whose version is forgotten; `continue_` goes on from its place at the newest state."""
    return ApiError(code=410, reason="Expired", message=INCONSISTENT_CONTINUE, continue_=continue_)


def expired_watch(version: int, floor: int) -> ApiError:
    """A watch from a version that is forgotten. Real servers send this one as an ERROR event of a watch that they opened (200)."""
    return ApiError(code=410, reason="Expired", message=f"too old resource version: {version} ({floor})")


def too_large_version(version: int, current: int) -> ApiError:
    """A list that may not be older than a version that is not reached."""
    return ApiError(
        code=504,
        reason="Timeout",
        message=f"Timeout: Too large resource version: {version}, current: {current}",
        details={
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
        retry_after_seconds=1,
    )


def too_many_requests(retry_after_seconds: int) -> ApiError:
    """The server is full."""
    return ApiError(
        code=429,
        reason="TooManyRequests",
        message="Too many requests, please try again later.",
        details={"retryAfterSeconds": retry_after_seconds},
        retry_after_seconds=retry_after_seconds,
    )


def success(resource: Resource, *, name: str, uid: str) -> bytes:
    """What a finished deletion answers."""
    details = {**details_of(resource, name), "uid": uid}
    return msgspec.json.encode(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    )


def details_of(resource: Resource, name: str) -> dict[str, Any]:
    """The `details` that name an object; empty parts are left out."""
    parts = {"name": name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in parts.items() if value}
