//! Checked images. Long runs of numbers are copied to where they stay while their checksums are
//! taken, so that they are read from memory only once. Nothing is decoded meanwhile: if a checksum
//! is wrong, the copies are dropped.

use std::any::Any;
use std::borrow::Cow;
use std::fs;
use std::path::Path;

use samestate_image::stream::Stores;
use samestate_image::{Image, ImageError};
use samestate_schema::types::Primitive;

use crate::plain::{Number, copy_whole};
use crate::schema::Program;

/// Blocks of fewer bytes are copied when they are decoded: they are in a cache by then.
const COPY_MIN: usize = 64 * 1024;

/// A checked image.
#[derive(Debug)]
pub(crate) struct Checked<'b> {
    pub(crate) image: Image<'b>,
    pub(crate) copies: Copies,
}

/// For each block its numbers, if they were copied: a `Vec` of their type.
pub(crate) type Copies = Vec<Option<Box<dyn Any>>>;

impl Checked<'static> {
    /// Reads and checks an image file that may be restored to the types of a program.
    pub(crate) fn open(path: &Path, program: Option<&Program>) -> Result<Self, ImageError> {
        let read = |source| ImageError::Read { path: path.to_owned(), source };
        Self::new(fs::read(path).map_err(read)?, program)
    }
}

impl<'b> From<Image<'b>> for Checked<'b> {
    fn from(image: Image<'b>) -> Self {
        Self { image, copies: Copies::new() }
    }
}

impl<'b> Checked<'b> {
    /// Checks an image in memory that may be restored to the types of a program.
    pub(crate) fn new(
        bytes: impl Into<Cow<'b, [u8]>>,
        program: Option<&Program>,
    ) -> Result<Self, ImageError> {
        let Some(program) = program else {
            return Image::from_bytes(bytes).map(Self::from);
        };
        let bytes = bytes.into();
        let mut copies = Vec::new();
        let stores = Stores::of(bytes.len());
        let root_hash = program.chunk.root_hash();
        let image = Image::from_bytes_and(bytes, root_hash, |index, numbers, block, look| {
            if block.len() < COPY_MIN {
                return look(block);
            }
            copies.resize_with(index, || None);
            copies.push(copy(numbers, block, stores, look));
        })?;
        Ok(Self { image, copies })
    }
}

/// Copies numbers; `look` sees every byte of them, even if they are not copied.
fn copy(
    numbers: Primitive,
    bytes: &[u8],
    stores: Stores,
    look: &mut dyn FnMut(&[u8]),
) -> Option<Box<dyn Any>> {
    match numbers {
        Primitive::U8 => of::<u8>(bytes, stores, look),
        Primitive::U16 => of::<u16>(bytes, stores, look),
        Primitive::U32 => of::<u32>(bytes, stores, look),
        Primitive::U64 => of::<u64>(bytes, stores, look),
        Primitive::U128 => of::<u128>(bytes, stores, look),
        Primitive::Usize => of::<usize>(bytes, stores, look),
        Primitive::I8 => of::<i8>(bytes, stores, look),
        Primitive::I16 => of::<i16>(bytes, stores, look),
        Primitive::I32 => of::<i32>(bytes, stores, look),
        Primitive::I64 => of::<i64>(bytes, stores, look),
        Primitive::I128 => of::<i128>(bytes, stores, look),
        Primitive::Isize => of::<isize>(bytes, stores, look),
        Primitive::F32 => of::<f32>(bytes, stores, look),
        Primitive::F64 => of::<f64>(bytes, stores, look),
        Primitive::Unit | Primitive::Bool | Primitive::Char => {
            look(bytes);
            None
        }
    }
}

fn of<T: Number + 'static>(
    bytes: &[u8],
    stores: Stores,
    look: &mut dyn FnMut(&[u8]),
) -> Option<Box<dyn Any>> {
    copy_whole::<T>(bytes, stores, look).map(|numbers| Box::new(numbers) as Box<dyn Any>)
}
