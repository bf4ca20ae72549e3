"""Statistics against the schema and train against eval: guards before anything is learned."""
