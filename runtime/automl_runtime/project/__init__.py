"""The steps of a generated project: data, train, evaluate, predict, serve."""
