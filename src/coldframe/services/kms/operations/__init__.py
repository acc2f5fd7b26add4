"""The operations of AWS Key Management Service, a module per resource."""
