"""A shop as a FastAPI application, with Tasker for everything that takes more than one step."""
