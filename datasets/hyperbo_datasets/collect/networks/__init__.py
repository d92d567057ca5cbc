"""Networks, as Equinox modules of one example each."""
