"""The operations of Organizations, one file a resource."""
