"""The operations of Amazon Data Firehose, a module for each kind of resource."""
