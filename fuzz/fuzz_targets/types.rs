//! A table of types: what decodes is valid, encodes to what it was, and has a bounded text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use samestate_schema::types::Table;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((table, len)) = Table::decode(bytes) {
        assert_eq!(table.encode(), bytes[..len]);
        assert_eq!(table.validate(), Ok(()));
        let _ = table.canonical(table.root, 1 << 16);
    }
});
