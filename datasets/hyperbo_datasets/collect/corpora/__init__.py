"""Corpora: what workloads learn from, one loader a layout."""
