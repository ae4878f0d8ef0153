mod config;
mod outbox;
mod shipping;
