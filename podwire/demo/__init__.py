"""`podwire up --demo`: the pipeline on the sandbox's cluster and reference reducer, with a view of what flows."""
