mod config;
mod shipping;
