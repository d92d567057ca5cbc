"""Real training runs, collected: workloads, optimisers, sweeps, and the tables they make."""
