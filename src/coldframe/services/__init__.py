"""The AWS services, one folder each, all of one shape; they call each other through the API only."""
