"""What every domain stands on and no shop word enters: configuration, database, transactions, leases, tokens, problems."""
