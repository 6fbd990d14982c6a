"""HTTP over the core's services: the application, the context of a request, health, the API's documentation."""
