"""The operations of Amazon S3, a module for each kind of resource."""
