"""All faults that are put into podwire, one at a time, to see that the simulation finds each."""

from typing import Final

from tests.simulation.mutation import Mutant
from tests.simulation.mutations_following import FOLLOWING
from tests.simulation.mutations_linking import LINKING
from tests.simulation.mutations_matching import MATCHING
from tests.simulation.mutations_watching import WATCHING

MUTANTS: Final[tuple[Mutant, ...]] = (*FOLLOWING, *MATCHING, *LINKING, *WATCHING)
