//! The function's settings, as far as tools and their tests have to know which there are.

/// Settings that have a meaning on this machine. `TRANSFORM=` names the transform; the addresses of the
/// services and their credentials are the tools' own.
pub const SETTINGS: [&str; 12] = [
    "CUSTOMERIO_REGION",
    "DODO_ENVIRONMENT",
    "EVENTS",
    "EVENT_NAMES",
    "EXCLUDE_FIELDS",
    "IDENTIFY_TIME",
    "LOG_LEVEL",
    "PERSON_IDENTIFIER",
    "SECRET_TTL_SECONDS",
    "SUBSCRIPTION_OBJECT_TYPE",
    "UNKNOWN_FIELDS",
    "WEBHOOK_TOLERANCE_SECONDS",
];
