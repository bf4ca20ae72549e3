"""What steps start on machines of their own: custom jobs and endpoints."""
