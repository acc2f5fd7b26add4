"""HTTP/1.1 without TLS, served by threads that take turns at leading."""
