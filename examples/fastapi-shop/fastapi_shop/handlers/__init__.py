"""The shop's handlers, a module for each team; ``tasker worker --handlers fastapi_shop.handlers`` runs them."""
