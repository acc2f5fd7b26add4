"""Durable jobs: named steps whose results survive a crash of the server."""
