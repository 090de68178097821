"""How `automl_runtime.engine.portfolio.json` was made: candidates, their errors on public tables, an order, a judge."""
