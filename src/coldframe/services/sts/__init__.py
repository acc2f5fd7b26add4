"""STS: who am I, and temporary credentials for roles; tokens are sealed, so none are stored."""
