//! Lamplight: the delivery core of an open learning platform.
//!
//! The rooms of the house, from the ground up; a room imports rooms of lower floors only
//! (`tests/tidy.rs` refuses anything else, ARCHITECTURE.md says why).

pub mod base;
pub mod http;

pub mod course;
pub mod identity;

pub mod media;
pub mod progress;
pub mod quiz;

pub mod h3;
pub mod session;

pub mod runtime;

pub mod content;
pub mod issuers;
pub mod quic;
pub mod store;
pub mod tcp;

pub mod shards;

pub mod service;

pub mod config;

pub mod command;
pub mod server;
