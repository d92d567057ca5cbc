"""Workloads: one contract, a few dozen lines for each."""
