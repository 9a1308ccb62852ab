"""The relay: encodes emissions for the reducer, delivers them over one connection, and tells the matcher how that connection stands."""
