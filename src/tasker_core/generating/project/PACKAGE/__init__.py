"""An order is priced, charged, and sent."""
