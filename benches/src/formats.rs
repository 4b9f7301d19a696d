//! What is compared: each format's way of saving to memory and restoring, with its fastest
//! settings that still check what they read.

use std::sync::OnceLock;

use crate::data::{Bodies, Particles, State, World};

/// One way to save a `T` and to restore it.
pub(crate) struct Format<T> {
    /// What tables call it.
    pub(crate) name: &'static str,
    /// Saves.
    pub(crate) save: fn(&T) -> Image,
    /// Restores; panics on an error, because every image is intact.
    pub(crate) restore: fn(&[u8]) -> T,
}

/// What was saved.
pub(crate) enum Image {
    /// As most formats have it.
    Bytes(Vec<u8>),
    /// As rkyv needs it.
    Aligned(rkyv::util::AlignedVec),
}

impl AsRef<[u8]> for Image {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Aligned(bytes) => bytes,
        }
    }
}

/// A state, the formats that save it, and the copy that all are measured against.
pub(crate) trait Compared: State {
    /// All formats, ours first.
    fn formats() -> Vec<Format<Self>>;

    /// Copies as many bytes as the state has from where they stand to one buffer that did not
    /// exist before.
    fn copy_out(&self) -> Vec<u8>;

    /// Makes what [`copy_out`](Compared::copy_out) copies, if that is not the state itself.
    fn prepare_copy(&self) {}

    /// Copies such a buffer to memory that did not exist before.
    fn copy_in(bytes: &[u8]) -> Vec<Vec<u64>>;
}

/// wincode refuses arrays of more than 4 MiB unless told otherwise.
macro_rules! wincode_config {
    () => {
        wincode::config::Configuration::default().disable_preallocation_size_limit()
    };
}

macro_rules! formats {
    ($ty:ty) => {{
        fn samestate_save(state: &$ty) -> Image {
            Image::Bytes(samestate::to_vec(state).unwrap())
        }
        fn samestate_restore(bytes: &[u8]) -> $ty {
            samestate::from_slice(bytes).unwrap()
        }
        fn wincode_save(state: &$ty) -> Image {
            Image::Bytes(wincode::config::serialize(state, wincode_config!()).unwrap())
        }
        fn wincode_restore(bytes: &[u8]) -> $ty {
            wincode::config::deserialize(bytes, wincode_config!()).unwrap()
        }
        fn rkyv_save(state: &$ty) -> Image {
            Image::Aligned(rkyv::to_bytes::<rkyv::rancor::Error>(state).unwrap())
        }
        fn rkyv_restore(bytes: &[u8]) -> $ty {
            rkyv::from_bytes::<$ty, rkyv::rancor::Error>(bytes).unwrap()
        }
        fn savefile_save(state: &$ty) -> Image {
            Image::Bytes(savefile::save_to_mem(0, state).unwrap())
        }
        fn savefile_restore(bytes: &[u8]) -> $ty {
            savefile::load_from_mem(bytes, 0).unwrap()
        }
        fn bitcode_save(state: &$ty) -> Image {
            Image::Bytes(bitcode::encode(state))
        }
        fn bitcode_restore(bytes: &[u8]) -> $ty {
            bitcode::decode(bytes).unwrap()
        }
        fn postcard_save(state: &$ty) -> Image {
            Image::Bytes(postcard::to_stdvec(state).unwrap())
        }
        fn postcard_restore(bytes: &[u8]) -> $ty {
            postcard::from_bytes(bytes).unwrap()
        }
        fn speedy_save(state: &$ty) -> Image {
            Image::Bytes(speedy::Writable::write_to_vec(state).unwrap())
        }
        fn speedy_restore(bytes: &[u8]) -> $ty {
            speedy::Readable::read_from_buffer(bytes).unwrap()
        }
        fn borsh_save(state: &$ty) -> Image {
            Image::Bytes(borsh::to_vec(state).unwrap())
        }
        fn borsh_restore(bytes: &[u8]) -> $ty {
            borsh::from_slice(bytes).unwrap()
        }
        vec![
            Format { name: "samestate", save: samestate_save, restore: samestate_restore },
            Format { name: "wincode", save: wincode_save, restore: wincode_restore },
            Format { name: "rkyv (validated)", save: rkyv_save, restore: rkyv_restore },
            Format { name: "savefile", save: savefile_save, restore: savefile_restore },
            Format { name: "bitcode", save: bitcode_save, restore: bitcode_restore },
            Format { name: "postcard", save: postcard_save, restore: postcard_restore },
            Format { name: "speedy", save: speedy_save, restore: speedy_restore },
            Format { name: "borsh", save: borsh_save, restore: borsh_restore },
        ]
    }};
}

impl Compared for Particles {
    fn formats() -> Vec<Format<Self>> {
        formats!(Particles)
    }

    fn copy_out(&self) -> Vec<u8> {
        self.arrays().concat()
    }

    fn copy_in(bytes: &[u8]) -> Vec<Vec<u64>> {
        // Nine arrays, the last half as long.
        bytes.chunks(8_000_000).map(|array| bytemuck::cast_slice(array).to_vec()).collect()
    }
}

impl Compared for Bodies {
    fn formats() -> Vec<Format<Self>> {
        formats!(Bodies)
    }

    fn copy_out(&self) -> Vec<u8> {
        bytemuck::cast_slice(&self.bodies).to_vec()
    }

    fn copy_in(bytes: &[u8]) -> Vec<Vec<u64>> {
        vec![bytemuck::cast_slice(bytes).to_vec()]
    }
}

impl Compared for World {
    fn formats() -> Vec<Format<Self>> {
        formats!(World)
    }

    /// From one place: the state could not be copied faster.
    fn copy_out(&self) -> Vec<u8> {
        world_bytes(self).to_vec()
    }

    fn prepare_copy(&self) {
        world_bytes(self);
    }

    fn copy_in(bytes: &[u8]) -> Vec<Vec<u64>> {
        vec![bytemuck::cast_slice(bytes).to_vec()]
    }
}

/// As many bytes as the world has.
fn world_bytes(world: &World) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| vec![0x5a; world.live() / 8 * 8])
}
