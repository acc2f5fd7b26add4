"""Training and measuring the recogniser of names and addresses; run with PYTHONPATH=src:tools."""
