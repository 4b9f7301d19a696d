//! An image as it comes from a disk: opening it, and looking at all of its values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use samestate_image::Image;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(image) = Image::from_bytes(bytes) {
        let _ = image.value().map(|value| value.to_string());
    }
});
