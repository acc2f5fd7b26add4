"""The operations of Amazon SQS, a module for each kind of resource."""
