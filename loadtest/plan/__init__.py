"""How many cards and processes a number of speakers takes: queues on a virtual clock."""
