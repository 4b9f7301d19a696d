use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::ImageError;
use crate::directory::{TRAILER_LEN, Trailer};
use crate::header::{self, Header};

/// What the first and the last bytes of an image file tell. They are checked, and nothing between
/// them is read: a file that was cut off or never finished is found, altered values are not.
#[derive(Clone, Debug)]
pub struct Ends {
    /// What the header tells.
    pub header: Header,
    /// The image's id.
    pub id: [u8; 16],
    /// Length of the file in bytes.
    pub len: u64,
}

impl Ends {
    /// Reads both ends of an image file.
    ///
    /// # Errors
    /// [`ImageError`] if the file cannot be read, or one of its ends is missing or damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let failed = |source| ImageError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        let mut first = Vec::with_capacity(header::LEN);
        (&mut file).take(header::LEN as u64).read_to_end(&mut first).map_err(failed)?;
        let header = Header::decode(&first)?;
        // The trailer may reach into the header of a file that is too short, which it then denies.
        let start = len.saturating_sub(TRAILER_LEN as u64);
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut last = Vec::with_capacity(TRAILER_LEN);
        file.take(TRAILER_LEN as u64).read_to_end(&mut last).map_err(failed)?;
        let trailer = Trailer::decode_last(&last, len)?;
        Ok(Self { header, id: trailer.image_id, len })
    }
}
