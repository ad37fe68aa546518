"""The nouns, states and rules of Operation Encompass: pure, with no I/O, no clock and no framework."""
