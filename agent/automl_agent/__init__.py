"""From words to a project: parsing, grounding, the main job, the command line."""
