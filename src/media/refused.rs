//! Why a media file cannot be served, in words for its author.

/// A media file that is refused. `Display` says what is wrong, [`Refused::remedy`] how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// Another container.
    #[error("this is {0}, not an MP4 file")]
    Foreign(&'static str),
    /// Ends before what it announces.
    #[error("the file is cut off: it has {len} bytes and its content needs {needs}")]
    CutOff {
        /// Bytes in the file.
        len: u64,
        /// Bytes it would need to have.
        needs: u64,
    },
    /// No index of samples.
    #[error("the file has no index (no `moov` box); its recording or upload was interrupted")]
    NoIndex,
    /// The index is larger than we read.
    #[error("the index of the file has {0} bytes, more than one lesson can need")]
    IndexTooLarge(u64),
    /// A box contradicts itself or its neighbours.
    #[error("the index of the file is damaged: {0}")]
    Damaged(&'static str),
    /// Neither picture nor sound.
    #[error("the file has neither a video nor an audio track")]
    NoTrack,
    /// A codec that is not packaged.
    #[error("the {kind} is {codec}; {wanted} is served")]
    Codec {
        /// `video` or `sound`.
        kind: &'static str,
        /// The codec's name.
        codec: String,
        /// What is served.
        wanted: &'static str,
    },
    /// Protected media.
    #[error("the {0} is encrypted")]
    Encrypted(&'static str),
    /// The codec changes inside the track.
    #[error("the {0} changes its codec settings midway")]
    SeveralFormats(&'static str),
    /// An edit list that a player could not follow.
    #[error("the {0} is cut or sped up by an edit list instead of being re-encoded")]
    Edited(&'static str),
    /// No sample to decode from.
    #[error("the video does not begin with a key frame")]
    NoKeyFrame,
    /// Key frames too far apart for segments.
    #[error("it cannot be cut for {seconds} s ({bytes} bytes) for want of closed key frames")]
    SparseKeyFrames {
        /// Seconds of the longest segment.
        seconds: u64,
        /// Bytes of the largest segment.
        bytes: u64,
    },
    /// Key frames at other times than those of the lesson's other renditions.
    #[error("its key frames are not at the times of those of {0}, so that players cannot switch")]
    Unaligned(String),
    /// More samples or segments than one lesson can need.
    #[error("the track has {0} frames, more than one lesson can need")]
    TooLong(u64),
}

impl Refused {
    /// What the author does about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Empty | Self::CutOff { .. } => "copy the whole file again",
            Self::Foreign(_) | Self::Codec { .. } => {
                "convert it: ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p -g 48 -c:a aac \
                 -movflags +faststart OUT.mp4"
            }
            Self::NoIndex => "export it again from the recorder or editor and copy it whole",
            Self::IndexTooLarge(_) | Self::TooLong(_) => "split the recording into several lessons",
            Self::Damaged(_) => "rewrite it: ffmpeg -i IN -c copy -movflags +faststart OUT.mp4",
            Self::NoTrack => "export it again with its video or audio track",
            Self::Encrypted(_) => "export it without copy protection",
            Self::SeveralFormats(_) | Self::Edited(_) => {
                "re-encode it: ffmpeg -i IN -c:v libx264 -c:a aac -movflags +faststart OUT.mp4"
            }
            Self::NoKeyFrame | Self::SparseKeyFrames { .. } => {
                "re-encode it with a key frame every 2 s: ffmpeg -i IN -c:v libx264 \
                 -force_key_frames 'expr:gte(t,n_forced*2)' -c:a copy OUT.mp4"
            }
            Self::Unaligned(_) => {
                "encode all renditions with the same key frames: \
                 -force_key_frames 'expr:gte(t,n_forced*2)' -sc_threshold 0"
            }
        }
    }
}
