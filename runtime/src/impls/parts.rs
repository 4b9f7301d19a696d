//! Times and addresses: structs of plain parts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use samestate_schema::record::Shape;
use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

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

impl Checkpoint for SocketAddrV4 {
    const MIN_LEN: usize = 6;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.save_copy(self.ip())?;
        saver.save_copy(&self.port())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(Self::new(Ipv4Addr::restore(restorer)?, u16::restore(restorer)?))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let described = schema.structure::<Self>("SocketAddrV4");
        described.saved::<Ipv4Addr>("ip").saved::<u16>("port").finish()
    }
}

impl Checkpoint for SocketAddrV6 {
    const MIN_LEN: usize = 26;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.save_copy(self.ip())?;
        saver.save_copy(&self.port())?;
        saver.save_copy(&self.flowinfo())?;
        saver.save_copy(&self.scope_id())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let (ip, port) = (Ipv6Addr::restore(restorer)?, u16::restore(restorer)?);
        Ok(Self::new(ip, port, u32::restore(restorer)?, u32::restore(restorer)?))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let described = schema.structure::<Self>("SocketAddrV6");
        let described = described.saved::<Ipv6Addr>("ip").saved::<u16>("port");
        described.saved::<u32>("flowinfo").saved::<u32>("scope_id").finish()
    }
}

/// An enum of two variants with one value each.
macro_rules! either {
    ($([$($generics:tt)*] $ty:ty, $name:literal, $min:expr, $a:ident($first:ty), $b:ident($second:ty);)*) => {$(
        impl<$($generics)*> Checkpoint for $ty {
            const MIN_LEN: usize = 1 + $min;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                match self {
                    Self::$a(value) => {
                        saver.bytes(&[0]);
                        value.save(saver)
                    }
                    Self::$b(value) => {
                        saver.bytes(&[1]);
                        value.save(saver)
                    }
                }
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                match restorer.array()? {
                    [0] => <$first>::restore(restorer).map(Self::$a),
                    [1] => <$second>::restore(restorer).map(Self::$b),
                    _ => Err(restorer.bad_value($name)),
                }
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                let described = schema.enumeration::<Self>($name);
                let described = described.variant(stringify!($a), None, Shape::Tuple, |fields| {
                    fields.saved::<$first>("0");
                });
                let described = described.variant(stringify!($b), None, Shape::Tuple, |fields| {
                    fields.saved::<$second>("0");
                });
                described.finish()
            }
        }
    )*};
}

either! {
    [] IpAddr, "IpAddr", 4, V4(Ipv4Addr), V6(Ipv6Addr);
    [] SocketAddr, "SocketAddr", 6, V4(SocketAddrV4), V6(SocketAddrV6);
    [T: Checkpoint, E: Checkpoint] Result<T, E>, "Result", 0, Ok(T), Err(E);
}
