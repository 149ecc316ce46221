"""The connections of the server: whom they belong to is the guard's question, how long theirs."""
