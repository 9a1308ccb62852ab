"""The matcher's answers to `podwire why`, in virtual time."""

import json
from collections.abc import Callable
from typing import Any

from matcher.why import Why
from tests.fakes.pipeline import Pipeline


def ask(pipeline: Pipeline, what: str, *, rest: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """The pipeline's matcher is asked for this; JSON can say what it answers."""
    wait = pipeline.settings.owner_wait_seconds
    why = Why(pipeline.core, owner_wait_seconds=wait, clock=lambda: pipeline.now, rest=rest)
    answer = why.answer({"what": what})
    assert json.loads(json.dumps(answer)) == answer
    return answer
