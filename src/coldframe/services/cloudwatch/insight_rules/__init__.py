"""Contributor Insights: what a rule says, which events it matches, and the report over them."""
