"""The shop itself: one package per domain, in one total order of imports (see `docs/explain/architecture.md`)."""
