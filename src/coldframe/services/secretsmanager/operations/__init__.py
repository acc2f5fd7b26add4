"""The operations of AWS Secrets Manager, a module per resource."""
