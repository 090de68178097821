"""Search under a budget: models, validation, ensembles, evaluation."""
