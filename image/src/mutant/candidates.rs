//! Other values than the one that there is.

use samestate_schema::types::Primitive;

use super::{Change, Edit};
use crate::value::Value;

/// Other values of a primitive, by the bytes of the one that there is.
pub(super) fn numbers(primitive: Primitive, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut little = [0; 16];
    little[..bytes.len()].copy_from_slice(bytes);
    let bits = u128::from_le_bytes(little);
    let integers = [bits ^ 1, bits.wrapping_add(1), bits.wrapping_sub(1), 1, 2, 0];
    let encoded: Vec<Vec<u8>> = match primitive {
        Primitive::Unit => Vec::new(),
        Primitive::Bool => vec![vec![0], vec![1]],
        Primitive::Char => ['a', 'b'].iter().map(|&c| u32::from(c).to_le_bytes().into()).collect(),
        Primitive::F32 => {
            let number = bytes.try_into().map_or(0.0, f32::from_le_bytes);
            let near = f32::from_bits(number.to_bits() ^ 1);
            let others = [number + 1.0, near, number * 0.5, 1.0, 0.5];
            others.iter().map(|number| number.to_le_bytes().into()).collect()
        }
        Primitive::F64 => {
            let number = bytes.try_into().map_or(0.0, f64::from_le_bytes);
            let near = f64::from_bits(number.to_bits() ^ 1);
            let others = [number + 1.0, near, number * 0.5, 1.0, 0.5];
            others.iter().map(|number| number.to_le_bytes().into()).collect()
        }
        _ => integers.iter().map(|bits| bits.to_le_bytes()[..bytes.len()].to_vec()).collect(),
    };
    let mut others: Vec<Vec<u8>> = Vec::new();
    for other in encoded {
        if other != bytes && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

/// Other values of text, or of bytes that only their own code understands.
pub(super) fn text(value: &Value<'_>) -> Vec<Vec<u8>> {
    let (bytes, opaque): (&[u8], bool) = match value {
        Value::Str(text) => (text.as_bytes(), false),
        Value::Opaque { bytes, .. } => (bytes, true),
        _ => return Vec::new(),
    };
    let mut others = vec![[bytes, b"x"].concat(), b"x".to_vec(), Vec::new()];
    if let (Some((last, front)), true) = (bytes.split_last(), opaque) {
        others.insert(0, [front, &[last ^ 1]].concat());
    }
    others.retain(|other| other != bytes);
    others
}

pub(super) fn edits(bytes: Vec<Vec<u8>>) -> Vec<Edit> {
    bytes.into_iter().map(|bytes| Edit::new(Change::Bytes(bytes))).collect()
}
