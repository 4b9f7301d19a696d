//! Images in memory: for rollback, for the network, for tests.

use std::borrow::Cow;

use samestate_image::build::{Built, Parts};
use samestate_image::{Header, Image};

use crate::error::RestoreErrorKind;
use crate::schema::Program;
use crate::{Checkpoint, Handles, RestoreError, Restorer, SaveError, Saver};

/// Saves a value to an image in memory. Equal values give equal bytes.
///
/// # Errors
/// [`SaveError`] if it cannot be saved.
pub fn to_vec<T: Checkpoint>(value: &T) -> Result<Vec<u8>, SaveError> {
    let program = Program::of::<T>()?;
    let encoded = Encoded::new(value, &program, Vec::new())?;
    Ok(encoded.built(&program)?.to_vec(&Header::default()))
}

/// Restores a value from an image in memory.
///
/// # Errors
/// [`RestoreError`] if the image is damaged, or holds something else.
pub fn from_slice<T: Checkpoint>(image: &[u8]) -> Result<T, RestoreError> {
    from_slice_with(image, Handles::new())
}

/// Restores a value whose type has `external` fields.
///
/// # Errors
/// As [`from_slice`], and if a handle is missing, has another type or is not asked for.
pub fn from_slice_with<T: Checkpoint>(image: &[u8], handles: Handles) -> Result<T, RestoreError> {
    let image = Image::from_bytes(image)?;
    decode(&image, &Program::of::<T>().map_err(program_error)?, handles)
}

pub(crate) fn program_error(error: SaveError) -> RestoreError {
    RestoreError::new(RestoreErrorKind::Program(error))
}

/// The state as it goes into an image.
pub(crate) struct Encoded<'a> {
    values: Vec<u8>,
    blocks: Vec<Cow<'a, [u8]>>,
}

impl<'a> Encoded<'a> {
    /// Encodes into `buffer`, whose memory is used again.
    pub(crate) fn new<T: Checkpoint>(
        value: &'a T,
        _program: &Program,
        buffer: Vec<u8>,
    ) -> Result<Self, SaveError> {
        let mut saver = Saver::with_buffer(buffer);
        value.save(&mut saver)?;
        let (values, blocks) = saver.into_parts();
        Ok(Self { values, blocks })
    }

    /// Lays the image out.
    pub(crate) fn built<'s>(&'s self, program: &'s Program) -> Result<Built<'s>, SaveError> {
        let parts = Parts {
            root_hash: program.chunk.root_hash(),
            schema: &program.encoded,
            values: &self.values,
        };
        Built::new(parts, self.blocks.iter().map(|block| &**block)).map_err(SaveError::Schema)
    }

    /// The buffer, to be used again.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.values
    }
}

/// Decodes a checked image. Schema and handles are checked before the first byte of the values.
pub(crate) fn decode<T: Checkpoint>(
    image: &Image<'_>,
    program: &Program,
    mut handles: Handles,
) -> Result<T, RestoreError> {
    if image.schema().root_hash() != program.chunk.root_hash() {
        let differences = samestate_image::difference::compare(image.schema(), &program.chunk);
        return Err(RestoreError::new(RestoreErrorKind::Different(differences)));
    }
    handles.check(&program.needed).map_err(RestoreError::new)?;
    let mut restorer = Restorer::new(image, &mut handles);
    let result = T::restore(&mut restorer).and_then(|value| restorer.finish().map(|()| value));
    result.map_err(|error| {
        error.locate(restorer.offset(), |offset| {
            samestate_image::value::path_at(image, &program.chunk.root_name, offset)
                .map(|path| path.to_string())
        })
    })
}
