"""What every domain stands on: configuration, database, transactions, leases, tokens, problems. No shop word enters."""
