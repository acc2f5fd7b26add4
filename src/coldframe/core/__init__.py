"""What every part builds on: AWS's model, a call, its records, faults; it knows no service and no engine."""
