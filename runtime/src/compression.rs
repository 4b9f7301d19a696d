use samestate_image::Codec;

/// How the parts of an image are stored. It changes neither the image's id nor what is restored:
/// every program built with the same feature reads it.
///
/// Each part is compressed by itself, and stays as it is where that saves too little. The fastest
/// is none: then long runs of numbers go from the state's memory to the file as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// LZ4: fast.
    #[cfg(feature = "lz4")]
    Lz4,
    /// Zstandard: smaller, and slower.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    pub(crate) const fn codec(self) -> Codec {
        match self {
            Self::None => Codec::None,
            #[cfg(feature = "lz4")]
            Self::Lz4 => Codec::Lz4,
            #[cfg(feature = "zstd")]
            Self::Zstd => Codec::Zstd,
        }
    }
}
