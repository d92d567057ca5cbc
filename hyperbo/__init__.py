"""Meta-Bayesian optimisation: priors pre-trained on other tasks, and suggestions made from them."""
