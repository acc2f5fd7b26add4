"""Uploads by HTML forms (Amazon S3 API Reference, "POST Object"): a form with a signed policy becomes a PutObject."""
