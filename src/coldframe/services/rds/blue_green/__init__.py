"""Blue/Green deployments: a synchronised copy is made, changed at leisure, and promoted without loss."""
