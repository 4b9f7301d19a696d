//! Images in memory: for rollback, for the network, for tests.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use samestate_image::assembly::Assembly;
use samestate_image::build::{Built, Parts};
use samestate_image::{Header, Image, difference, evolve};

use crate::checked::{Checked, Copies};
use crate::error::RestoreErrorKind;
use crate::save::Written;
use crate::schema::Program;
use crate::{Checkpoint, Compression, Handles, RestoreError, Restorer, SaveError, Saver};

/// Saves a value to an image in memory. Equal values give equal bytes, but for `volatile` fields.
///
/// # Errors
/// [`SaveError`] if it cannot be saved.
pub fn to_vec<T: Checkpoint>(value: &T) -> Result<Vec<u8>, SaveError> {
    let program = Program::known::<T>()?;
    let mut image = Vec::new();
    // Only a hint: without this much memory the image may still fit, if it is smaller now.
    let _ = image.try_reserve_exact(program.image_len.load(Ordering::Relaxed));
    let assembly = Assembly::begin(&mut image, &Header::default(), &program.encoded);
    let assembly = assembly.map_err(SaveError::Schema)?;
    let mut saver = Saver::behind(image, assembly.digest());
    let saved = save_whole(value, &mut saver);
    let digest = saver.take_digest().unwrap_or_else(|| assembly.digest());
    let Written { values: mut image, blocks, volatile } = saver.into_parts();
    if let Err((at, error)) = saved {
        image.truncate(at);
        image.drain(..assembly.values_at().min(at));
        return Err(
            error.locate(|| Encoded { values: image, blocks, volatile }.path_of_end(&program))
        );
    }
    let blocks = blocks.iter().map(|block| &**block);
    assembly
        .finish(&mut image, digest, blocks, &volatile, program.chunk.root_hash())
        .map_err(SaveError::Schema)?;
    program.image_len.store(image.len(), Ordering::Relaxed);
    if image.len() < image.capacity() / 2 {
        image.shrink_to_fit();
    }
    Ok(image)
}

/// Saves a value to an image in memory whose parts are compressed. [`from_slice`] reads it, and it
/// has the id of the image that [`to_vec`] gives.
///
/// # Errors
/// [`SaveError`] if it cannot be saved.
pub fn to_vec_compressed<T: Checkpoint>(
    value: &T,
    compression: Compression,
) -> Result<Vec<u8>, SaveError> {
    let program = Program::known::<T>()?;
    let encoded = Encoded::new(value, &program, Vec::new())?;
    Ok(encoded.built(&program, compression)?.to_vec(&Header::default()))
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
    let program = Program::known::<T>();
    let mut image = Checked::new(image, program.as_deref().ok())?;
    decode(&mut image, &*program.map_err(program_error)?, handles)
}

/// Restores an image into a running value. Fields with `skip(keep)` stay as they are, and so do
/// those with `external` that no handle is given for. What is kept must be there: it may stand in
/// structs, tuples, arrays, `Box`, and in an `Option` or enum that is of the same variant in the
/// image, but not in a `Vec` or a map, whose elements are new.
///
/// ```
/// # use samestate::{Checkpoint, Handles};
/// #[derive(Checkpoint)]
/// struct Game {
///     score: u64,
///     #[checkpoint(skip(keep), reason = "the player's setting, not the game's")]
///     volume: f32,
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut game = Game { score: 7, volume: 0.5 };
/// let image = samestate::to_vec(&game)?;
/// (game.score, game.volume) = (8, 1.0);
/// samestate::restore_in_place(&mut game, &image, Handles::new())?;
/// assert_eq!((game.score, game.volume), (7, 1.0));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`from_slice_with`], and if there is nothing to keep. Then the value is as before.
pub fn restore_in_place<T: Checkpoint>(
    running: &mut T,
    image: &[u8],
    handles: Handles,
) -> Result<(), RestoreError> {
    let program = Program::known::<T>();
    let mut image = Checked::new(image, program.as_deref().ok())?;
    decode_for(running, &mut image, &*program.map_err(program_error)?, handles)
}

pub(crate) fn program_error(error: SaveError) -> RestoreError {
    RestoreError::new(RestoreErrorKind::Program(error))
}

/// Saves the root; else tells where in the buffer what is at fault would stand.
fn save_whole<'a, T: Checkpoint>(
    value: &'a T,
    saver: &mut Saver<'a>,
) -> Result<(), (usize, SaveError)> {
    value.save(saver).map_err(|error| (saver.buffer().len(), error))?;
    saver.finish()
}

/// The state as it goes into an image.
pub(crate) struct Encoded<'a> {
    values: Vec<u8>,
    blocks: Vec<Cow<'a, [u8]>>,
    volatile: Vec<u8>,
}

impl<'a> Encoded<'a> {
    /// Encodes into `buffer`, whose memory is used again.
    pub(crate) fn new<T: Checkpoint>(
        value: &'a T,
        program: &Program,
        buffer: Vec<u8>,
    ) -> Result<Self, SaveError> {
        let mut saver = Saver::with_buffer(buffer);
        let saved = save_whole(value, &mut saver);
        let Written { values, blocks, volatile } = saver.into_parts();
        let mut encoded = Self { values, blocks, volatile };
        match saved {
            Ok(()) => Ok(encoded),
            Err((at, error)) => Err(error.locate(|| {
                encoded.values.truncate(at);
                encoded.path_of_end(program)
            })),
        }
    }

    /// The path of the value that would come next: the image that would be, without it, is read.
    fn path_of_end(&self, program: &Program) -> Option<String> {
        let image = self.built(program, Compression::None).ok()?.to_vec(&Header::default());
        let image = Image::from_bytes(image).ok()?;
        let path = samestate_image::value::path_of_end(&image, &program.chunk.root_name)?;
        Some(path.to_string())
    }

    /// Lays the image out.
    pub(crate) fn built<'s>(
        &'s self,
        program: &'s Program,
        compression: Compression,
    ) -> Result<Built<'s>, SaveError> {
        let parts = Parts {
            root_hash: program.chunk.root_hash(),
            schema: &program.encoded,
            values: &self.values,
            volatile: &self.volatile,
        };
        let blocks = self.blocks.iter().map(|block| &**block);
        Built::compressed(parts, blocks, compression.codec()).map_err(SaveError::Schema)
    }

    /// The long runs of numbers, in order.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(|block| &**block)
    }

    /// The encoded values, whose memory can be used again, and those of volatile fields.
    pub(crate) fn into_buffers(self) -> (Vec<u8>, Vec<u8>) {
        (self.values, self.volatile)
    }
}

/// Decodes a checked image to a new value.
pub(crate) fn decode<T: Checkpoint>(
    image: &mut Checked<'_>,
    program: &Program,
    handles: Handles,
) -> Result<T, RestoreError> {
    decode_by(image, program, handles, false, |from| {
        let value = T::restore(from)?;
        from.finish().inspect_err(|error| T::restore_failed(None, error)).map(|()| value)
    })
}

/// Decodes a checked image, and then assigns it to a running value.
pub(crate) fn decode_for<T: Checkpoint>(
    running: &mut T,
    image: &mut Checked<'_>,
    program: &Program,
    handles: Handles,
) -> Result<(), RestoreError> {
    let assignment = decode_by(image, program, handles, true, |from| {
        let assignment = running.stage(from)?;
        let failed = |error: &RestoreError| T::restore_failed(Some(running), error);
        from.finish().inspect_err(failed).map(|()| assignment)
    })?;
    assignment.apply(running);
    Ok(())
}

/// Schema and handles are checked before the first byte of the values.
fn decode_by<R>(
    checked: &mut Checked<'_>,
    program: &Program,
    mut handles: Handles,
    running: bool,
    read: impl FnOnce(&mut Restorer<'_>) -> Result<R, RestoreError>,
) -> Result<R, RestoreError> {
    let Checked { image, copies } = checked;
    let image = &*image;
    let same = image.schema().root_hash() == program.chunk.root_hash();
    if !same {
        let differences = difference::untold(image.schema(), &program.chunk, &program.notes);
        if !differences.is_empty() {
            return Err(RestoreError::new(RestoreErrorKind::Different(differences)));
        }
    }
    handles.check(&program.needed, running).map_err(RestoreError::new)?;
    let evolved;
    let image = if same {
        image
    } else {
        let rewritten = evolve::rewrite(image, &program.chunk, &program.notes);
        let failed = |error| RestoreError::new(RestoreErrorKind::Evolve(error));
        evolved = Image::from_bytes(rewritten.map_err(failed)?)?;
        &evolved
    };
    let mut none = Copies::new();
    let copies = if same { copies } else { &mut none };
    let mut restorer = Restorer::new(image, copies, &mut handles);
    read(&mut restorer).map_err(|error| {
        error.locate(restorer.offset(), |offset| {
            samestate_image::value::path_at(image, &program.chunk.root_name, offset)
                .map(|path| path.to_string())
        })
    })
}
