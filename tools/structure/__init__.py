"""The structure checks: what the rules of the house say that no linter knows, one file a rule."""
