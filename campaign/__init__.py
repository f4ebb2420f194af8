"""The fault campaign: the promise of delivery, tried on real processes, sockets and databases."""
