"""PostgreSQL as an engine: today the second database of the store, and what its tests start."""
