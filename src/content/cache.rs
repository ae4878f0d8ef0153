//! The two caches: chunks by bytes, and sample tables of recordings that were asked for lately.

use crate::base::digest::Digest;
use crate::base::metrics::Counter;
use crate::content::Chunk;
use crate::content::LoadError;
use crate::content::disk::Handles;
use crate::content::pins::Pins;
use crate::content::recording;
use crate::content::recording::Recording;
use crate::content::shelf::ChunkId;
use crate::content::spans::Tally;
use crate::media::Movie;
use quick_cache::DefaultHashBuilder;
use quick_cache::Lifecycle;
use quick_cache::OptionsBuilder;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use quick_cache::sync::DefaultLifecycle;
use std::fmt;
use std::fs::File;
use std::sync::Arc;

/// Chunks, at most a budget of bytes; the least useful leave first.
pub(crate) type Chunks = Cache<ChunkId, Arc<Chunk>, Weight, DefaultHashBuilder, Evictions>;

/// Weighs what the caches hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight;

impl Weighter<ChunkId, Arc<Chunk>> for Weight {
    fn weight(&self, _: &ChunkId, chunk: &Arc<Chunk>) -> u64 {
        chunk.weight()
    }
}

impl Weighter<Digest, Arc<Movie>> for Weight {
    fn weight(&self, _: &Digest, movie: &Arc<Movie>) -> u64 {
        recording::weight(movie)
    }
}

/// Counts what leaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evictions(Arc<Counter>);

impl Evictions {
    /// Chunks that left so far.
    pub(crate) fn counter(&self) -> &Counter {
        &self.0
    }
}

impl<K, V> Lifecycle<K, V> for Evictions {
    type RequestState = ();

    fn on_evict(&self, _: &mut (), _: K, _: V) {
        self.0.add_one();
    }
}

/// An empty chunk cache of at most `bytes`.
pub(crate) fn chunks(bytes: u64, evictions: Evictions) -> Chunks {
    // A shard must have room for several of the usual segments of one to four MiB.
    let shards = usize::try_from(bytes / SHARD_BYTES)
        .unwrap_or(1)
        .clamp(1, 16);
    let options = OptionsBuilder::new()
        .estimated_items_capacity(usize::try_from(bytes / (256 * 1024)).unwrap_or(1024))
        .weight_capacity(bytes)
        .shards(shards)
        .build();
    match options {
        Ok(options) => {
            Cache::with_options(options, Weight, DefaultHashBuilder::default(), evictions)
        }
        Err(_) => Cache::with(
            1024,
            bytes,
            Weight,
            DefaultHashBuilder::default(),
            evictions,
        ),
    }
}

/// What builders read from: sample tables, read again when they have been forgotten, and files
/// that are still open.
pub(crate) struct Indexes {
    tables: Cache<Digest, Arc<Movie>, Weight>,
    pub(crate) handles: Handles,
    pub(crate) tally: Tally,
}

impl Indexes {
    /// No table yet, at most `bytes` of them; what was replaced is found among `pins`.
    pub(crate) fn new(bytes: u64, pins: Option<Pins>) -> Self {
        // Two shards: the tables of a long lesson must fit into one.
        let options = OptionsBuilder::new()
            .estimated_items_capacity(256)
            .weight_capacity(bytes)
            .shards(2)
            .build();
        let hash = DefaultHashBuilder::default();
        Self {
            tables: match options {
                Ok(options) => {
                    Cache::with_options(options, Weight, hash, DefaultLifecycle::default())
                }
                Err(_) => Cache::with_weighter(256, bytes, Weight),
            },
            handles: Handles::new(pins),
            tally: Tally::default(),
        }
    }

    /// The tables of `recording`, which is `file`; blocks, also on another thread that reads the
    /// same.
    pub(crate) fn get(&self, recording: &Recording, file: &File) -> Result<Arc<Movie>, LoadError> {
        let read = || recording.movie(file).map(Arc::new);
        self.tables.get_or_insert_with(&recording.identity, read)
    }

    /// Bytes held.
    pub(crate) fn weight(&self) -> u64 {
        self.tables.weight()
    }
}

impl fmt::Debug for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Indexes({} of {} bytes)",
            self.tables.weight(),
            self.tables.capacity()
        )
    }
}

const SHARD_BYTES: u64 = 32 * 1024 * 1024;
