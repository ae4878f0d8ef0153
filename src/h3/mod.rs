//! Floor 3: HTTP/3 (RFC 9114) and QPACK (RFC 9204) as one pure state machine. Not built yet.
