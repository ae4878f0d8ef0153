//! What `lamplight doctor` is asked.

use clap::Args;
use clap::ValueEnum;
use std::path::PathBuf;

/// Whose rules an origin has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cdn {
    /// Akamai.
    Akamai,
    /// Varnish.
    Varnish,
    /// nginx with `proxy_cache`, with or without slices.
    Nginx,
    /// Amazon CloudFront.
    Cloudfront,
    /// Fastly.
    Fastly,
}

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorFlags {
    /// The network that will stand in front.
    #[arg(long, value_enum)]
    pub cdn: Cdn,
    /// Certificates to trust (PEM) instead of the system's.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// Look at the origin whatever its certificate says.
    #[arg(long)]
    pub insecure: bool,
    /// One JSON document instead of lines.
    #[arg(long)]
    pub json: bool,
    /// `https://HOST[:PORT]` of a Lamplight, or the URL of one resource of any server.
    pub url: String,
}
