"""How fast it is and how much memory it takes, beside what people would use instead."""
