"""What every podwire process shares: messages and their codec, sockets, place in the run directory, settings, logs, admin HTTP."""
