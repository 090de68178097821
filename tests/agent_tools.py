"""The tools that other programs rely on, in their order."""

NAMES = [
    *("discover_data", "preview_cleaning", "draft_spec", "validate_spec", "explain_plan"),
    *("create_project", "list_projects", "get_report", "update_project"),
    *("start_run", "get_run", "cancel_run", "list_runs", "compare_runs"),
    *("propose_features", "add_feature"),
    *("predict", "predict_file", "promote", "rollback", "check_drift"),
]
