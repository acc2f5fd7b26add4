"""The operations of IAM, one file a resource."""
