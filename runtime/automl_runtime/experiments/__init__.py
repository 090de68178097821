"""Experiments: trainings described by a configuration, or step by step, each recorded as a run."""
