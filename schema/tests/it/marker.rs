use proptest::collection::vec;
use proptest::prelude::*;
use samestate_schema::marker::{FIXED_LEN, FieldDigests, Kind, MAX_LEN, MAX_PATH_LEN, Marker};

prop_compose! {
    fn marker(path_len: usize)(
        kind in 0..Kind::ALL.len(),
        (seq, step, root_addr, record_addr) in any::<(u64, u64, u64, u64)>(),
        (image_id, digest) in any::<([u8; 16], [u8; 16])>(),
        path in vec(any::<u8>(), 0..path_len),
    ) -> (Marker<'static>, Vec<u8>) {
        let kind = Kind::ALL[kind];
        let marker = Marker::new(kind);
        (Marker { seq, step, image_id, root_addr, record_addr, digest, ..marker }, path)
    }
}

proptest! {
    #[test]
    fn comes_back((marker, path) in marker(300)) {
        let marker = Marker { path: &path, ..marker };
        let bytes = marker.encode();
        prop_assert_eq!(bytes.len(), FIXED_LEN + path.len());
        prop_assert_eq!(&Marker::decode(&bytes).unwrap(), &marker);
        // A reader passes over what follows.
        let longer = [&bytes[..], &[1, 2, 3]].concat();
        prop_assert_eq!(&Marker::decode(&longer).unwrap(), &marker);
    }

    #[test]
    fn digests_of_fields_come_back((marker, path) in marker(40), fields in vec(("[a-z.\\[\\]]{0,40}", any::<u64>()), 0..40)) {
        let mut told = FieldDigests::default();
        for (name, digest) in &fields {
            prop_assert!(told.push(name, *digest));
        }
        let told = told.into_bytes();
        let marker = Marker { path: &path, fields: &told, ..marker };
        let bytes = marker.encode();
        let read = Marker::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &marker);
        let read: Vec<_> = FieldDigests::read(read.fields).collect();
        let fields: Vec<_> = fields.iter().map(|(name, digest)| (name.as_str(), *digest)).collect();
        prop_assert_eq!(read, fields);
        for len in 0..bytes.len() {
            prop_assert!(Marker::decode(&bytes[..len]).is_err(), "cut to {} bytes", len);
        }
    }

    #[test]
    fn every_truncation_is_refused((marker, path) in marker(40)) {
        let bytes = Marker { path: &path, ..marker }.encode();
        for len in 0..bytes.len() {
            prop_assert!(Marker::decode(&bytes[..len]).is_err(), "cut to {} bytes", len);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Marker::decode(&bytes);
    }

    #[test]
    fn a_flipped_bit_is_refused_or_means_itself((marker, path) in marker(40), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = Marker { path: &path, ..marker }.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(read) = Marker::decode(&bytes) {
            // Version and total length say how to read, not what; a shorter path leaves bytes over.
            let (again, end) = (read.encode(), FIXED_LEN + read.path.len());
            prop_assert_eq!(&again[16..end], &bytes[16..end]);
        }
    }
}

#[test]
fn a_path_that_no_file_has_is_left_out() {
    let path = vec![b'x'; MAX_PATH_LEN + 1];
    let marker = Marker { path: &path, ..Marker::new(Kind::Durable) };
    assert_eq!(Marker::decode(&marker.encode()).unwrap().path, b"");
    let longest = Marker { path: &path[1..], ..marker };
    assert_eq!(Marker::decode(&longest.encode()).unwrap(), longest);
}

#[test]
fn as_many_digests_are_told_as_there_is_room_for() {
    let mut told = FieldDigests::default();
    let count = (0..1_000_u64).take_while(|digest| told.push("Root.field", *digest)).count();
    assert!((100..1_000).contains(&count), "{count}");
    let (fields, path) = (told.into_bytes(), vec![b'x'; MAX_PATH_LEN]);
    let marker = Marker { path: &path, fields: &fields, ..Marker::new(Kind::Step) };
    let bytes = marker.encode();
    assert!(bytes.len() <= MAX_LEN);
    assert_eq!(Marker::decode(&bytes).unwrap(), marker);
}

#[test]
fn what_is_not_a_marker_is_told_apart() {
    use samestate_schema::marker::MarkerError;
    assert_eq!(Marker::decode(b"hello, world"), Err(MarkerError::NotAMarker));
    assert_eq!(Marker::decode(b""), Err(MarkerError::NotAMarker));
    let good = Marker::new(Kind::Saved).encode();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert!(matches!(Marker::decode(&with(10, 9)), Err(MarkerError::Wire(_))), "unknown kind");
    assert!(matches!(Marker::decode(&with(8, 0)), Err(MarkerError::Wire(_))), "version 0");
    assert!(Marker::decode(&with(8, 2)).is_ok(), "a newer version is read as far as it is known");
    assert!(matches!(Marker::decode(&with(12, 83)), Err(MarkerError::BadLength { .. })));
    assert!(matches!(Marker::decode(&with(80, 1)), Err(MarkerError::BadLength { .. })));
    assert!(matches!(Marker::decode(&with(83, 255)), Err(MarkerError::BadLength { .. })));
}
