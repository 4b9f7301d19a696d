//! An image of other types is refused, and every difference is told by its field path.

use samestate::{RestoreErrorKind, from_slice, to_vec};

mod before {
    use samestate::Checkpoint;

    #[derive(Checkpoint)]
    pub(super) struct Sim {
        pub(super) drag: f32,
        pub(super) bodies: Vec<Body>,
        pub(super) gone: u8,
        pub(super) first: u8,
        pub(super) second: u8,
    }

    #[derive(Checkpoint)]
    pub(super) struct Body {
        pub(super) mass: f64,
        pub(super) kind: Kind,
    }

    #[derive(Checkpoint)]
    pub(super) enum Kind {
        Rock,
        Gas(u8),
        Ice { age: u32 },
    }
}

mod after {
    use samestate::Checkpoint;

    #[derive(Checkpoint)]
    #[checkpoint(version = 2)]
    pub(super) struct Sim {
        drag: f64,
        bodies: Vec<Body>,
        second: u8,
        first: u8,
        new: Option<String>,
    }

    #[derive(Checkpoint)]
    struct Body {
        #[checkpoint(skip(default), reason = "one")]
        mass: f64,
        kind: Kind,
    }

    #[derive(Checkpoint)]
    enum Kind {
        Rock,
        Ice { age: u64 },
        Plasma,
    }
}

#[test]
fn all_differences_are_told() {
    let bodies = vec![
        before::Body { mass: 1.0, kind: before::Kind::Rock },
        before::Body { mass: 2.0, kind: before::Kind::Gas(1) },
        before::Body { mass: 3.0, kind: before::Kind::Ice { age: 1 } },
    ];
    let old = before::Sim { drag: 0.5, bodies, gone: 1, first: 2, second: 3 };
    let image = to_vec(&old).unwrap();
    assert!(from_slice::<before::Sim>(&image).is_ok(), "the equal twin is silent");
    let Err(error) = from_slice::<after::Sim>(&image) else { panic!("it was restored") };
    assert!(matches!(error.kind(), RestoreErrorKind::Different(_)));
    let expected = "\
the image holds other types than this program:
  Sim.drag: `f32` in the image, `f64` in the program; write `#[checkpoint(from(f32, path))]` on the \
field, where `path` makes `f64` of `f32`
  Sim.bodies[].mass: saved in the image, skipped(default) in the program; write \
`#[checkpoint(removed(\"mass\"))]` on the type
  Sim.bodies[].kind::Ice.age: `u32` in the image, `u64` in the program; write \
`#[checkpoint(from(u32, path))]` on the field, where `path` makes `u64` of `u32`
  Sim.bodies[].kind::Plasma: the image does not have this variant; write `#[checkpoint(since = 2)]` \
on the variant
  Sim.bodies[].kind::Gas: only the image has this variant; write `#[checkpoint(removed(\"Gas\"))]` on \
the enum, or `#[checkpoint(was = \"Gas\")]` on the variant that it is now
  Sim.new: the image does not have this field (`Option<String>`); write `#[checkpoint(since = 2, \
default = …)]` on the field, or `#[checkpoint(was = \"…\")]` if it had another name
  Sim.gone: only the image has this field (`u8`); write `#[checkpoint(removed(\"gone\"))]` on the \
type, or `#[checkpoint(was = \"gone\")]` on the field that it is now";
    assert_eq!(error.to_string().replace("it::evolve::after::", ""), expected);
}

mod left {
    #[derive(samestate::Checkpoint)]
    pub(super) struct Same(pub(super) u64, pub(super) Vec<(i8, char)>);
}

mod right {
    #[derive(samestate::Checkpoint, Debug, PartialEq)]
    pub(super) struct Same(pub(super) u64, pub(super) Vec<(i8, char)>);
}

#[test]
fn a_type_may_move_to_another_module() {
    let image = to_vec(&left::Same(7, vec![(-1, 'ß')])).unwrap();
    assert_eq!(from_slice::<right::Same>(&image).unwrap(), right::Same(7, vec![(-1, 'ß')]));
}

/// One change of a type: an image of the old one is restored to the new one with an attribute, and
/// refused without it, with the attribute to add.
macro_rules! change {
    (
        $name:ident: $old:expr => $new:expr, $message:literal
        before { $($before:item)* } with { $($with:item)* } without { $($without:item)* }
    ) => {
        mod $name {
            #![allow(unused_imports, dead_code, reason = "each change needs others")]
            use std::collections::{BTreeMap, BTreeSet, HashMap};
            use std::rc::{Rc, Weak};

            mod before {
                use super::*;
                $(#[derive(samestate::Checkpoint, Debug, PartialEq)] $before)*
                pub(super) fn value() -> Top { $old }
            }

            mod with {
                use super::*;
                $(#[derive(samestate::Checkpoint, Debug, PartialEq)] $with)*
                pub(super) fn value() -> Top { $new }
            }

            mod without {
                use super::*;
                $(#[derive(samestate::Checkpoint, Debug, PartialEq)] $without)*
            }

            #[test]
            fn is_read_if_it_is_told() {
                let image = samestate::to_vec(&before::value()).unwrap();
                let stored = super::golden(stringify!($name), &image);
                let value: with::Top = samestate::from_slice(&image).unwrap();
                assert_eq!(value, with::value());
                assert_eq!(samestate::from_slice::<with::Top>(&stored).unwrap(), value);
                super::forge(&image, |forged| {
                    let _ = samestate::from_slice::<with::Top>(forged);
                });
                let again = samestate::to_vec(&value).unwrap();
                assert_eq!(samestate::from_slice::<with::Top>(&again).unwrap(), with::value());
                let mut running = with::value();
                let handles = samestate::Handles::new();
                samestate::restore_in_place(&mut running, &image, handles).unwrap();
                assert_eq!(running, with::value());
            }

            #[test]
            fn is_refused_if_it_is_not() {
                let image = samestate::to_vec(&before::value()).unwrap();
                let error = samestate::from_slice::<without::Top>(&image).unwrap_err().to_string();
                let path = concat!(module_path!(), "::without::");
                assert_eq!(error.replace(path, ""), $message);
            }
        }
    };
}

/// Checks that the image of a type is the one that was stored when the test was written, which must
/// be readable for ever. With `UPDATE_GOLDEN=1`, missing ones are stored.
pub(crate) fn golden(name: &str, image: &[u8]) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(format!("{name}.ckpt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !path.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, image).unwrap();
    }
    let stored = std::fs::read(&path).unwrap();
    let id = |image: &[u8]| samestate_image::Image::from_bytes(image).unwrap().id();
    assert_eq!(id(&stored), id(image), "{}", path.display());
    stored
}

/// Images with correct checksums, each with one byte of the values changed, or cut behind it.
pub(crate) fn forge(image: &[u8], mut each: impl FnMut(&[u8])) {
    use samestate_image::build::{Built, Parts};
    let image = samestate_image::Image::from_bytes(image).unwrap();
    let schema = image.schema();
    let mut forged = |values: &[u8]| {
        let parts = Parts {
            root_hash: schema.root_hash(),
            schema: &schema.encode(),
            values,
            volatile: image.volatile(),
        };
        let built = Built::new(parts, image.blocks()).unwrap();
        each(&built.to_vec(&samestate_image::Header::default()));
    };
    for at in 0..image.values().len() {
        forged(&image.values()[..at]);
        for byte in [0, 1, 2, 3, 200, 255] {
            let mut values = image.values().to_vec();
            values[at] = byte;
            forged(&values);
        }
    }
}

change! {
    field_added: Top { a: 1, c: vec![Part { x: 2 }] }
        => Top { a: 1, b: "new".into(), c: vec![Part { x: 2, y: vec![7; 3000] }] },
    "the image holds other types than this program:
  Top.b: the image does not have this field (`String`); write `#[checkpoint(since = 2, default = …)]` \
on the field, or `#[checkpoint(was = \"…\")]` if it had another name
  Top.c[].y: the image does not have this field (`Vec<u16>`); write `#[checkpoint(since = 2, \
default = …)]` on the field, or `#[checkpoint(was = \"…\")]` if it had another name"
    before {
        pub(super) struct Top { pub(super) a: u8, c: Vec<Part> }
        pub(super) struct Part { x: u64 }
    }
    with {
        #[checkpoint(version = 2)]
        pub(super) struct Top {
            a: u8,
            #[checkpoint(since = 2, default = String::from("new"))] b: String,
            c: Vec<Part>,
        }
        #[checkpoint(version = 3)]
        pub(super) struct Part { #[checkpoint(since = 2, default = vec![7; 3000])] y: Vec<u16>, x: u64 }
    }
    without {
        #[checkpoint(version = 2)]
        pub(super) struct Top { a: u8, b: String, c: Vec<Part> }
        pub(super) struct Part { y: Vec<u16>, x: u64 }
    }
}

change! {
    field_removed: Top { gone: vec![1; 5000], kept: vec![2; 5000] } => Top { kept: vec![2; 5000] },
    "the image holds other types than this program:
  Top.gone: only the image has this field (`Vec<u8>`); write `#[checkpoint(removed(\"gone\"))]` on the \
type, or `#[checkpoint(was = \"gone\")]` on the field that it is now"
    before { pub(super) struct Top { gone: Vec<u8>, kept: Vec<u8> } }
    with { #[checkpoint(removed("gone"))] pub(super) struct Top { kept: Vec<u8> } }
    without { pub(super) struct Top { kept: Vec<u8> } }
}

change! {
    field_skipped: Top { cache: 3, kept: 4 } => Top { cache: 0, kept: 4 },
    "the image holds other types than this program:
  Top.cache: saved in the image, skipped(default) in the program; write \
`#[checkpoint(removed(\"cache\"))]` on the type"
    before { pub(super) struct Top { cache: u8, kept: u8 } }
    with {
        #[checkpoint(removed("cache"))]
        pub(super) struct Top {
            #[checkpoint(skip(default), reason = "a cache")] cache: u8,
            kept: u8,
        }
    }
    without {
        pub(super) struct Top {
            #[checkpoint(skip(default), reason = "a cache")] cache: u8,
            kept: u8,
        }
    }
}

change! {
    field_renamed: Top { x: 1, y: 2 } => Top { left: 1, right: 2 },
    "the image holds other types than this program:
  Top.right: the image does not have this field (`u8`); write `#[checkpoint(since = 2, default = …)]` \
on the field, or `#[checkpoint(was = \"…\")]` if it had another name
  Top.left: the image does not have this field (`u8`); write `#[checkpoint(since = 2, default = …)]` \
on the field, or `#[checkpoint(was = \"…\")]` if it had another name
  Top.x: only the image has this field (`u8`); write `#[checkpoint(removed(\"x\"))]` on the type, or \
`#[checkpoint(was = \"x\")]` on the field that it is now
  Top.y: only the image has this field (`u8`); write `#[checkpoint(removed(\"y\"))]` on the type, or \
`#[checkpoint(was = \"y\")]` on the field that it is now"
    before { pub(super) struct Top { x: u8, y: u8 } }
    with {
        pub(super) struct Top {
            #[checkpoint(was = "y")] right: u8,
            #[checkpoint(was = "older", was = "x")] left: u8,
        }
    }
    without { pub(super) struct Top { right: u8, left: u8 } }
}

change! {
    field_retyped: Top { speed: 1.5, name: None, map: [(1, vec![2; 3000])].into() }
        => Top { speed: 1.5, name: Some(None), map: [(1, 6000)].into() },
    "the image holds other types than this program:
  Top.speed: `f32` in the image, `f64` in the program; write `#[checkpoint(from(f32, path))]` on the \
field, where `path` makes `f64` of `f32`
  Top.name::Some: `u8` in the image, `Option<u8>` in the program; write \
`#[checkpoint(from(Option<u8>, path))]` on the field, where `path` makes `Option<Option<u8>>` of \
`Option<u8>`
  Top.map[value]: `Vec<u16>` in the image, `u64` in the program; write \
`#[checkpoint(from(Map<u8, Vec<u16>>, path))]` on the field, where `path` makes `Map<u8, u64>` of \
`Map<u8, Vec<u16>>`"
    before {
        pub(super) struct Top { speed: f32, name: Option<u8>, map: BTreeMap<u8, Vec<u16>> }
    }
    with {
        pub(super) struct Top {
            #[checkpoint(from(u8, f64::from), from(f32, f64::from))] speed: f64,
            #[checkpoint(from(Option<u8>, Some))] name: Option<Option<u8>>,
            #[checkpoint(from(BTreeMap<u8, Vec<u16>>, super::super::sums))] map: BTreeMap<u8, u64>,
        }
    }
    without {
        pub(super) struct Top { speed: f64, name: Option<Option<u8>>, map: BTreeMap<u8, u64> }
    }
}

fn sums(map: std::collections::BTreeMap<u8, Vec<u16>>) -> std::collections::BTreeMap<u8, u64> {
    let sum = |values: Vec<u16>| values.into_iter().map(u64::from).sum();
    map.into_iter().map(|(key, values)| (key, sum(values))).collect()
}

change! {
    variants_changed: Top { all: vec![Kind::Off, Kind::On { level: 3, old: 1 }, Kind::Far(4), Kind::Byte] }
        => Top { all: vec![Kind::Off, Kind::Lit { level: 3 }, Kind::Near(4), Kind::Renamed] },
    "the image holds other types than this program:
  Top.all[]::Near: the image does not have this variant; write `#[checkpoint(since = 2)]` on the \
variant
  Top.all[]::Lit: the image does not have this variant; write `#[checkpoint(since = 2)]` on the variant
  Top.all[]::New: the image does not have this variant; write `#[checkpoint(since = 2)]` on the variant
  Top.all[]::Gone: only the image has this variant; write `#[checkpoint(removed(\"Gone\"))]` on the \
enum, or `#[checkpoint(was = \"Gone\")]` on the variant that it is now
  Top.all[]::On: only the image has this variant; write `#[checkpoint(removed(\"On\"))]` on the enum, \
or `#[checkpoint(was = \"On\")]` on the variant that it is now
  Top.all[]::Far: only the image has this variant; write `#[checkpoint(removed(\"Far\"))]` on the enum, \
or `#[checkpoint(was = \"Far\")]` on the variant that it is now"
    before {
        pub(super) struct Top { all: Vec<Kind> }
        enum Kind { Off, Gone(u8), On { level: u8, old: u8 }, Far(u32), #[checkpoint(id = 9)] Byte }
    }
    with {
        pub(super) struct Top { all: Vec<Kind> }
        #[checkpoint(version = 2, removed("Gone", "Lit.old"))]
        enum Kind {
            #[checkpoint(was = "Far")] Near(u32),
            #[checkpoint(id = 9)] Renamed,
            #[checkpoint(was = "On")] Lit { level: u8 },
            #[checkpoint(since = 2)] New,
            #[checkpoint(id = 1)] Off,
        }
    }
    without {
        pub(super) struct Top { all: Vec<Kind> }
        #[checkpoint(version = 2)]
        enum Kind { Near(u32), #[checkpoint(id = 9)] Renamed, Lit { level: u8 }, New, Off }
    }
}

change! {
    type_renamed: Top { part: Old { x: 1 } } => Top { part: New { x: 1 } },
    "the image holds other types than this program:
  Top.part: `Old` in the image, `New` in the program; write `#[checkpoint(was = \"Old\")]` on \
`New`, or `#[checkpoint(from(Old, path))]` on the field, where `path` makes `New` of `Old`"
    before { pub(super) struct Top { part: Old } struct Old { x: u8 } }
    with { pub(super) struct Top { part: New } #[checkpoint(was = "Old")] struct New { x: u8 } }
    without { pub(super) struct Top { part: New } struct New { x: u8 } }
}

#[test]
fn fields_may_stand_in_another_order() {
    mod before {
        use std::collections::BTreeSet;
        use std::rc::Rc;

        #[derive(samestate::Checkpoint)]
        pub(super) struct Top {
            pub(super) set: BTreeSet<Key>,
            pub(super) shared: Vec<Rc<u8>>,
        }

        #[derive(samestate::Checkpoint, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) struct Key {
            pub(super) a: u8,
            pub(super) b: u8,
        }
    }
    mod after {
        use std::collections::BTreeSet;
        use std::rc::Rc;

        #[derive(samestate::Checkpoint)]
        pub(super) struct Top {
            pub(super) shared: Vec<Rc<u8>>,
            pub(super) set: BTreeSet<Key>,
        }

        #[derive(samestate::Checkpoint, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) struct Key {
            pub(super) b: u8,
            pub(super) a: u8,
        }
    }
    let one = std::rc::Rc::new(7);
    let set = [(1, 9), (2, 8)].map(|(a, b)| before::Key { a, b });
    let old = before::Top { set: set.into(), shared: vec![one.clone(), one] };
    let new: after::Top = from_slice(&to_vec(&old).unwrap()).unwrap();
    assert_eq!(new.set, [(1, 9), (2, 8)].map(|(a, b)| after::Key { a, b }).into());
    assert_eq!(*new.shared[0], 7);
    assert!(std::rc::Rc::ptr_eq(&new.shared[0], &new.shared[1]));
}

#[test]
fn a_removed_variant_that_is_held_is_told() {
    mod before {
        #[derive(samestate::Checkpoint)]
        pub(super) enum Kind {
            Gone(u8),
        }
    }
    mod after {
        #[derive(samestate::Checkpoint, Debug)]
        #[checkpoint(removed("Gone"), version = 2)]
        pub(super) enum Kind {
            #[checkpoint(since = 2)]
            Here,
        }
    }
    let image = to_vec(&vec![before::Kind::Gone(1)]).unwrap();
    let error = from_slice::<Vec<after::Kind>>(&image).unwrap_err().to_string();
    assert!(
        error.ends_with("[0]: the image holds the variant `Gone`, which was removed"),
        "{error}"
    );
    let empty = to_vec(&Vec::<before::Kind>::new()).unwrap();
    assert_eq!(from_slice::<Vec<after::Kind>>(&empty).unwrap().len(), 0);
}
