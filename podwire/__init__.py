"""The command line, the supervisor behind `podwire up`, and the operators' tools. The stages themselves know nothing of it."""
