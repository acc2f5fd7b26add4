"""The front door: from bytes on a socket to a handler's arguments, and back."""
