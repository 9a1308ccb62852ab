"""Which form of an answer a client accepts (Kubernetes API concepts, "Resource metadata fetching"). JSON only: no protobuf, no tables."""

from sandbox.render import META, Form
from sandbox.statuses import ApiError, not_acceptable

_METADATA_LIST = f"{Form.METADATA.value}List"


def form_of(accept: str, *, is_list: bool) -> Form:
    """The first form in `Accept` that is served here. Raises ApiError (406) where there is none."""
    if not accept.strip():
        return Form.FULL
    for clause in accept.split(","):
        media, *options = (part.strip() for part in clause.split(";"))
        asked = dict(option.split("=", 1) for option in options if "=" in option)
        if media not in ("application/json", "application/*", "*/*"):
            continue
        wanted = asked.get("as", "")
        if not wanted:
            return Form.FULL
        if f"{asked.get('g')}/{asked.get('v')}" != META or not wanted.startswith(Form.METADATA.value):
            continue
        if (wanted == _METADATA_LIST) is is_list:
            return Form.METADATA
        raise _wrong_shape(wanted, is_list=is_list)
    raise not_acceptable()


def _wrong_shape(wanted: str, *, is_list: bool) -> ApiError:
    shape = "the requested object is a list" if is_list else "the requested object is not a list"
    return ApiError(code=406, reason="NotAcceptable", message=f"you requested {wanted}, but {shape}")
