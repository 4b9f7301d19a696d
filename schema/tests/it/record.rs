use proptest::collection::vec;
use proptest::prelude::*;
use samestate_schema::record::{
    Body, FieldRecord, Flags, MAGIC, Record, RecordError, Shape, VariantRecord, assemble,
    assembled_len, decode, records,
};
use samestate_schema::treatment::Treatment;
use samestate_schema::wire::Writer;

fn notes() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(any::<(String, String)>(), 0..3)
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![Just(Shape::Named), Just(Shape::Tuple), Just(Shape::Unit)]
}

prop_compose! {
    fn field()(
        name in "[a-z_]{1,8}",
        tokens in ".{0,12}",
        // The last, `filtered`, is only of images.
        treatment in 0..Treatment::ALL.len() - 1,
        reason in any::<Option<String>>(),
        (line, column) in any::<(u32, u32)>(),
        notes in notes(),
    ) -> FieldRecord {
        FieldRecord { name, tokens, treatment: Treatment::ALL[treatment], reason, line, column, notes }
    }
}

prop_compose! {
    fn variant()(
        name in any::<String>(),
        id in any::<Option<u32>>(),
        shape in shape(),
        fields in vec(field(), 0..4),
        notes in notes(),
    ) -> VariantRecord {
        VariantRecord { name, id, shape, fields, notes }
    }
}

prop_compose! {
    fn body()(
        (ident, name) in any::<(String, String)>(),
        version in any::<u32>(),
        generics in vec(any::<String>(), 0..3),
        notes in notes(),
        variants in vec(variant(), 0..4),
    ) -> Body {
        Body { ident, name, version, generics, notes, variants }
    }
}

/// A record as the derive makes it; `assemble` knows lengths only when compiling, so these bytes
/// are put together here and compared with it where the length is fixed.
fn put_together(record: &Record) -> Vec<u8> {
    let body = record.body.encode();
    let mut out = Writer::new();
    out.bytes(&MAGIC);
    out.u16(1);
    out.u16(record.flags.bits());
    let len = assembled_len(&record.module, &record.file, &body);
    out.u32(u32::try_from(len).unwrap());
    out.u32(record.line);
    out.u32(record.column);
    out.str(&record.module);
    out.str(&record.file);
    out.bytes(&body);
    out.into_bytes()
}

prop_compose! {
    fn record()(
        flags in 0_u16..16,
        (line, column) in any::<(u32, u32)>(),
        (module, file) in any::<(String, String)>(),
        body in body(),
    ) -> Record {
        Record { flags: Flags::from_bits(flags), line, column, module, file, body }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_comes_back(record in record()) {
        let bytes = put_together(&record);
        prop_assert_eq!(decode(&bytes, 0).unwrap(), (record, bytes.len()));
    }

    #[test]
    fn every_truncation_is_refused(record in record()) {
        let bytes = put_together(&record);
        for len in 0..bytes.len() {
            prop_assert!(decode(&bytes[..len], 0).is_err(), "cut to {} bytes", len);
        }
    }

    #[test]
    fn a_flipped_bit_never_panics(record in record(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = put_together(&record);
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok((read, len)) = decode(&bytes, 0) {
            prop_assert_eq!(len, bytes.len());
            // Nothing is read that would be written in another way, but for unknown flags.
            let again = put_together(&read);
            prop_assert_eq!(&again[12..], &bytes[12..]);
        }
    }

    #[test]
    fn a_section_gives_all_its_records(
        found in vec((record(), 0_usize..20), 0..5),
        garbage in vec(1_u8..=255, 0..20),
    ) {
        let mut section = Vec::new();
        for (record, padding) in &found {
            section.extend_from_slice(&vec![0; *padding]);
            section.extend_from_slice(&put_together(record));
        }
        let read: Vec<Record> = records(&section).map(|(_, record)| record.unwrap()).collect();
        let expected: Vec<Record> = found.iter().map(|(record, _)| record.clone()).collect();
        prop_assert_eq!(&read, &expected);
        // Garbage before them is told, and hides none.
        if !garbage.is_empty() && !garbage.windows(8).any(|window| window == MAGIC) {
            let section = [&garbage[..], &[0], &section].concat();
            let read: Vec<_> = records(&section).map(|(_, record)| record).collect();
            prop_assert_eq!(&read[0], &Err(RecordError::NotARecord { offset: 0 }));
            let good: Vec<Record> = read.into_iter().filter_map(Result::ok).collect();
            prop_assert_eq!(good, expected);
        }
    }

    #[test]
    fn a_damaged_record_hides_no_other(
        (first, second) in (record(), record()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut section = put_together(&first);
        let at = at.index(section.len());
        section[at] = byte;
        let start = section.len();
        section.extend_from_slice(&put_together(&second));
        // Its length may now reach over the second; then it is malformed, and the search goes on
        // behind its magic.
        let found = records(&section).any(|(offset, record)| offset == start && record == Ok(second.clone()));
        prop_assert!(found);
    }

    #[test]
    fn any_bytes_end(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(records(&bytes).count() <= bytes.len());
        let with_magic = [&MAGIC[..], &bytes].concat();
        prop_assert!(records(&with_magic).count() <= with_magic.len());
    }
}

#[test]
fn assembled_when_compiling() {
    const BODY: &[u8] = b"";
    const LEN: usize = assembled_len("a::b", "src/b.rs", BODY);
    const BYTES: [u8; LEN] = assemble::<LEN>(5, 7, 9, "a::b", "src/b.rs", BODY);
    assert!(decode(&BYTES, 0).is_err(), "an empty body is none");
    let body = Body {
        ident: "B".into(),
        name: "B".into(),
        version: 1,
        generics: vec![],
        notes: vec![],
        variants: vec![],
    };
    let encoded = body.encode();
    // As long as any body of this shape is.
    const WHOLE: usize = LEN + 26;
    let bytes: [u8; WHOLE] = assemble(5, 7, 9, "a::b", "src/b.rs", &encoded);
    let record = Record {
        flags: Flags { root: true, manual: false, generic: true, is_enum: false },
        line: 7,
        column: 9,
        module: "a::b".into(),
        file: "src/b.rs".into(),
        body,
    };
    assert_eq!(put_together(&record), bytes);
    assert_eq!(record.path(), "a::b::B");
    assert_eq!(decode(&bytes, 0).unwrap(), (record, WHOLE));
}

#[test]
fn another_version_is_told() {
    let mut bytes = Vec::from(MAGIC);
    bytes.extend_from_slice(&[2, 0, 0, 0, 16, 0, 0, 0]);
    assert_eq!(decode(&bytes, 0), Err(RecordError::Version { offset: 0, version: 2 }));
}
