"""One pass: the plan, the ledger and now become messages, and the messages leave."""
