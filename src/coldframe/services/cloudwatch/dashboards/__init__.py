"""Dashboards: their bodies checked, and metric widgets drawn."""
