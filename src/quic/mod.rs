//! Floor 5: the QUIC engine, server and client role. Not built yet.
