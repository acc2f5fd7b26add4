"""Resource pages that are made from data: what a service's console.toml says, filled by calls of its API."""
