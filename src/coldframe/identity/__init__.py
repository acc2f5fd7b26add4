"""Who may: accounts, credentials, policies and their evaluation."""
