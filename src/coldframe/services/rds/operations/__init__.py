"""The operations of Amazon RDS, a module per resource."""
