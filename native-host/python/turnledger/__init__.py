"""Privacy-safe analytics events of coding-agent sessions."""

from ._native import (
    VERSION as __version__,
    Error,
    Events,
    Parts,
    Session,
    arrow_schema,
    attribute,
    import_rollout,
    replay,
)

__all__ = ["Error", "Events", "Parts", "Session", "arrow_schema", "attribute", "import_rollout", "replay"]
