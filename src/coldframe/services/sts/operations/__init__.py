"""The operations of STS, one file a resource."""
