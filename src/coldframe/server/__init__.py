"""The composition root: puts store, services, engines, jobs and gateway together and serves them."""
