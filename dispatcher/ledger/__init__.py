"""What has happened. The only room with SQL.

Every function takes a connection inside a transaction, and plain values; ``tables`` says what the
rows mean and which of them cannot exist, ``database`` opens and guards the file.
"""
