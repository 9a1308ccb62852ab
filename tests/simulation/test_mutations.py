"""Faults for podwire's cores: each can be put into the sources as they are now. `make mutants` sees that the simulation finds them."""

import pytest

from tests.simulation.mutants import ROOT
from tests.simulation.mutations import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_follows_the_sources(mutant):
    """If the text that a mutant replaces has changed, or stands there twice, the mutant must follow it."""
    for edit in mutant.edits:
        assert (ROOT / edit.file).read_text("utf-8").count(edit.old) == 1, edit
        assert edit.new != edit.old
