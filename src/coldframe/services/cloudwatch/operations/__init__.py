"""The operations of CloudWatch, a module per resource."""
