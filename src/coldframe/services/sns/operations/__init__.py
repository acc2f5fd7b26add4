"""The operations of Amazon SNS, a module for each kind of resource."""
