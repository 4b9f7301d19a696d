//! Ranges, times and addresses: structs of plain parts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use samestate_schema::record::Shape;
use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl<T: Checkpoint> Checkpoint for Range<T> {
    const MIN_LEN: usize = 2 * T::MIN_LEN;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.start.save(saver)?;
        self.end.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(Self { start: T::restore(restorer)?, end: T::restore(restorer)? })
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.structure::<Self>("Range").saved::<T>("start").saved::<T>("end").finish()
    }
}

/// As the time since 1970, which may lie before it.
impl Checkpoint for SystemTime {
    const MIN_LEN: usize = 13;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let (before, distance) = match self.duration_since(UNIX_EPOCH) {
            Ok(after) => (false, after),
            Err(error) => (true, error.duration()),
        };
        saver.save_copy(&before)?;
        saver.save_copy(&distance)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let before = bool::restore(restorer)?;
        let distance = Duration::restore(restorer)?;
        let time = if before && !distance.is_zero() {
            UNIX_EPOCH.checked_sub(distance)
        } else if before {
            // Zero before 1970 is zero after it.
            None
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        time.ok_or_else(|| restorer.bad_value("SystemTime"))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let described = schema.structure::<Self>("SystemTime");
        described.saved::<bool>("before_1970").saved::<Duration>("distance").finish()
    }
}

macro_rules! octets {
    ($($ty:ident: $len:literal;)*) => {$(
        impl Checkpoint for $ty {
            const MIN_LEN: usize = $len;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                saver.bytes(&self.octets());
                Ok(())
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                restorer.array::<$len>().map(Self::from)
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.structure::<Self>(stringify!($ty)).saved::<[u8; $len]>("octets").finish()
            }
        }
    )*};
}

octets! { Ipv4Addr: 4; Ipv6Addr: 16; }

impl Checkpoint for IpAddr {
    const MIN_LEN: usize = 5;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        match self {
            Self::V4(address) => {
                saver.bytes(&[0]);
                address.save(saver)
            }
            Self::V6(address) => {
                saver.bytes(&[1]);
                address.save(saver)
            }
        }
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        match restorer.array()? {
            [0] => Ipv4Addr::restore(restorer).map(Self::V4),
            [1] => Ipv6Addr::restore(restorer).map(Self::V6),
            _ => Err(restorer.bad_value("IpAddr")),
        }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let described = schema.enumeration::<Self>("IpAddr");
        let described = described.variant("V4", None, Shape::Tuple, |fields| {
            fields.saved::<Ipv4Addr>("0");
        });
        let described = described.variant("V6", None, Shape::Tuple, |fields| {
            fields.saved::<Ipv6Addr>("0");
        });
        described.finish()
    }
}
