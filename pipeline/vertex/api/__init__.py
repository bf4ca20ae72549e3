"""Google's services: clients, requests that are sent once, errors with their cure."""
