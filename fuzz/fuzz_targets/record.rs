//! The section of records, and markers, as they come from a binary and from a traced program.
#![no_main]

use libfuzzer_sys::fuzz_target;
use samestate_schema::marker::Marker;
use samestate_schema::record::records;

fuzz_target!(|bytes: &[u8]| {
    for (offset, record) in records(bytes) {
        assert!(offset < bytes.len());
        if let Ok(record) = record {
            let _ = record.path();
        }
    }
    if let Ok(marker) = Marker::decode(bytes) {
        assert_eq!(Marker::decode(&marker.encode()), Ok(marker));
    }
});
