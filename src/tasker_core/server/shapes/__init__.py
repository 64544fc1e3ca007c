"""The shapes of what goes over the wire, for the OpenAPI document. What is sent comes from the engine's views."""
