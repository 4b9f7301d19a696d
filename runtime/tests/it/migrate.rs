//! Types that changed more than attributes on their fields can tell, fields whose conversion may
//! fail, and implementers of traits that changed.

use std::rc::Rc;

use samestate::{Checkpoint, from_slice, to_vec};

use crate::evolve::{forge, golden};

change! {
    moved_into_a_struct: Top {
            name: "n".into(),
            bodies: vec![Body { x: 1, y: 2, mass: 3.5, trail: vec![4; 2000] }],
        } => Top {
            name: "n".into(),
            bodies: vec![Body { at: At { x: 1, y: 2, trail: vec![4; 2000] }, mass: 3.5 }],
        },
    "the image holds other types than this program:
  Top.bodies[].at: the image does not have this field (`At`); write `#[checkpoint(since = 2, default \
= …)]` on the field, or `#[checkpoint(was = \"…\")]` if it had another name, or \
`#[checkpoint(migrate(OldType, with = path))]` on `Body`, where `OldType` is what the image holds, if \
`x`, `y`, `trail` moved into it
  Top.bodies[].x: only the image has this field (`i64`); write `#[checkpoint(removed(\"x\"))]` on the \
type, or `#[checkpoint(was = \"x\")]` on the field that it is now
  Top.bodies[].y: only the image has this field (`i64`); write `#[checkpoint(removed(\"y\"))]` on the \
type, or `#[checkpoint(was = \"y\")]` on the field that it is now
  Top.bodies[].trail: only the image has this field (`Vec<u8>`); write \
`#[checkpoint(removed(\"trail\"))]` on the type, or `#[checkpoint(was = \"trail\")]` on the field that \
it is now"
    before {
        pub(super) struct Top { name: String, bodies: Vec<Body> }
        pub(super) struct Body { x: i64, y: i64, mass: f64, trail: Vec<u8> }
    }
    with {
        pub(super) struct Top { name: String, bodies: Vec<Body> }
        #[checkpoint(version = 2, migrate(Flat, with = |old: Flat| Ok::<_, String>(Self {
            at: At { x: old.x, y: old.y, trail: old.trail },
            mass: old.mass,
        })))]
        pub(super) struct Body { at: At, mass: f64 }
        pub(super) struct At { x: i64, y: i64, trail: Vec<u8> }
        #[checkpoint(name = "Body")]
        struct Flat { x: i64, y: i64, mass: f64, trail: Vec<u8> }
    }
    without {
        pub(super) struct Top { name: String, bodies: Vec<Body> }
        #[checkpoint(version = 2)]
        pub(super) struct Body { at: At, mass: f64 }
        pub(super) struct At { x: i64, y: i64, trail: Vec<u8> }
    }
}

change! {
    type_replaced: Top { kind: Kind(2), next: Some(Kind(7)), map: [(1, Kind(1))].into() }
        => Top { kind: Kind::Gas, next: Some(Kind::Other(7)), map: [(1, Kind::Rock)].into() },
    "the image holds other types than this program:
  Top.kind: `Kind` in the image, `Kind` in the program; write `#[checkpoint(from(Kind, path))]` on the \
field, where `path` makes `Kind` of `Kind`, or `#[checkpoint(migrate(OldType, with = path))]` on \
`Kind`, where `OldType` is what the image holds
  Top.next::Some: `Kind` in the image, `Kind` in the program; write \
`#[checkpoint(from(Option<Kind>, path))]` on the field, where `path` makes `Option<Kind>` of \
`Option<Kind>`, or `#[checkpoint(migrate(OldType, with = path))]` on `Kind`, where `OldType` is what \
the image holds
  Top.map[value]: `Kind` in the image, `Kind` in the program; write \
`#[checkpoint(from(Map<u8, Kind>, path))]` on the field, where `path` makes `Map<u8, Kind>` of \
`Map<u8, Kind>`, or `#[checkpoint(migrate(OldType, with = path))]` on `Kind`, where `OldType` is what \
the image holds"
    before {
        pub(super) struct Top { kind: Kind, next: Option<Kind>, map: BTreeMap<u8, Kind> }
        pub(super) struct Kind(pub(super) u8);
    }
    with {
        pub(super) struct Top { kind: Kind, next: Option<Kind>, map: BTreeMap<u8, Kind> }
        #[checkpoint(
            version = 3,
            migrate(Older, with = |old: Older| Err::<Self, _>(format!("no name is {}", old.0))),
            migrate(Old, with = |old: Old| match old.0 {
                0 => Err("zero is no kind"),
                1 => Ok(Self::Rock),
                2 => Ok(Self::Gas),
                other => Ok(Self::Other(other)),
            })
        )]
        pub(super) enum Kind { Rock, Gas, Other(u8) }
        #[checkpoint(name = "Kind")]
        struct Old(u8);
        #[checkpoint(name = "Kind")]
        struct Older(String);
    }
    without {
        pub(super) struct Top { kind: Kind, next: Option<Kind>, map: BTreeMap<u8, Kind> }
        pub(super) enum Kind { Rock, Gas, Other(u8) }
    }
}

change! {
    field_narrowed: Top { number: 7, text: "8".into() } => Top { number: 7, text: 8 },
    "the image holds other types than this program:
  Top.number: `u64` in the image, `u8` in the program; write `#[checkpoint(from(u64, path))]` on the \
field, where `path` makes `u8` of `u64`
  Top.text: `String` in the image, `u16` in the program; write `#[checkpoint(from(String, path))]` on \
the field, where `path` makes `u16` of `String`"
    before {
        pub(super) struct Top { number: u64, text: String }
    }
    with {
        pub(super) struct Top {
            #[checkpoint(try_from(u64, u8::try_from))] number: u8,
            #[checkpoint(try_from(String, |old: String| old.parse::<u16>()))] text: u16,
        }
    }
    without {
        pub(super) struct Top { number: u8, text: u16 }
    }
}

change! {
    became_volatile: Top { step: 1, wall: vec![5; 5000] }
        => Top { step: 1, wall: vec![5; 5000], new: vec![7; 5000] },
    "the image holds other types than this program:
  Top.new: the image does not have this field (`Vec<u64>`); write `#[checkpoint(since = 2, default = \
…)]` on the field, or `#[checkpoint(was = \"…\")]` if it had another name"
    before {
        pub(super) struct Top { step: u64, wall: Vec<u64> }
    }
    with {
        #[checkpoint(version = 2)]
        pub(super) struct Top {
            step: u64,
            #[checkpoint(volatile)] wall: Vec<u64>,
            #[checkpoint(volatile, since = 2, default = vec![7; 5000])] new: Vec<u64>,
        }
    }
    without {
        pub(super) struct Top {
            step: u64,
            #[checkpoint(volatile)] wall: Vec<u64>,
            #[checkpoint(volatile)] new: Vec<u64>,
        }
    }
}

change! {
    was_volatile: Top { step: 1, wall: vec![5; 5000] } => Top { step: 1, wall: vec![5; 5000] },
    "the image holds other types than this program:
  Top.wall[]: `u64` in the image, `u32` in the program; write \
`#[checkpoint(from(Vec<u64>, path))]` on the field, where `path` makes `Vec<u32>` of `Vec<u64>`"
    before {
        pub(super) struct Top { step: u64, #[checkpoint(volatile)] wall: Vec<u64> }
    }
    with {
        pub(super) struct Top { step: u64, wall: Vec<u64> }
    }
    without {
        pub(super) struct Top { step: u64, wall: Vec<u32> }
    }
}

mod fallible {
    #[derive(samestate::Checkpoint, Debug)]
    pub(super) struct Before(pub(super) u64, pub(super) Part);

    #[derive(samestate::Checkpoint, Debug)]
    pub(super) struct Part(pub(super) String);

    #[derive(samestate::Checkpoint, Debug)]
    #[checkpoint(name = "Before")]
    pub(super) struct After(#[checkpoint(try_from(u64, u8::try_from))] u8, Now);

    #[derive(samestate::Checkpoint, Debug)]
    #[checkpoint(name = "Part", migrate(Part, with = now))]
    pub(super) struct Now(u32);

    fn now(part: Part) -> Result<Now, std::num::ParseIntError> {
        part.0.parse().map(Now)
    }
}

#[test]
fn what_cannot_be_converted_is_refused_with_its_path() {
    let error = |number, text: &str| {
        let image = to_vec(&fallible::Before(number, fallible::Part(text.into()))).unwrap();
        from_slice::<fallible::After>(&image).unwrap_err().to_string()
    };
    let first = error(256, "1");
    assert!(first.contains("After.0: out of range"), "{first}");
    let second = error(255, "x");
    assert!(second.contains("After.1: invalid digit"), "{second}");
}

/// Objects that others share cannot be numbered anew.
#[test]
fn shared_objects_are_not_migrated_silently() {
    #[derive(Checkpoint)]
    struct Top(Node, Node);
    #[derive(Checkpoint)]
    struct Node(Rc<u8>);
    #[derive(Checkpoint, Debug)]
    #[checkpoint(name = "Top")]
    struct NewTop(New, New);
    #[derive(Checkpoint, Debug)]
    #[checkpoint(name = "Node", version = 2, migrate(Node, with = |node: Node| {
        Ok::<_, String>(Self { shared: node.0, more: 0 })
    }))]
    struct New {
        shared: Rc<u8>,
        more: u8,
    }
    let shared = Rc::new(7);
    let image = to_vec(&Top(Node(Rc::clone(&shared)), Node(shared))).unwrap();
    let error = from_slice::<NewTop>(&image).unwrap_err().to_string();
    assert!(error.contains("shared objects cannot be made"), "{error}");
}

mod parts {
    use samestate::Checkpoint;

    #[samestate::dynamic(name = "Part")]
    pub(super) trait OldPart {}

    #[derive(Checkpoint)]
    #[checkpoint(implements(dyn OldPart, "wheel"), name = "Wheel")]
    pub(super) struct OldWheel(pub(super) u8);
    #[derive(Checkpoint)]
    #[checkpoint(implements(dyn OldPart, "engine"), name = "Engine")]
    pub(super) struct OldEngine {
        pub(super) power: u32,
        pub(super) gone: u8,
    }
    impl OldPart for OldWheel {}
    impl OldPart for OldEngine {}

    #[samestate::dynamic(name = "Part")]
    pub(super) trait NewPart {
        fn tell(&self) -> String;
    }

    #[derive(Checkpoint)]
    #[checkpoint(implements(dyn NewPart, "wheel"), name = "Wheel", version = 2)]
    #[checkpoint(migrate(OldWheel, with = |old: OldWheel| Ok::<_, String>(Self { size: old.0.into() })))]
    pub(super) struct NewWheel {
        size: u64,
    }
    #[derive(Checkpoint)]
    #[checkpoint(implements(dyn NewPart, "engine"), name = "Engine", version = 2, removed("gone"))]
    pub(super) struct NewEngine {
        #[checkpoint(since = 2, default = 9)]
        new: u16,
        power: u32,
    }
    /// Its name stands before the others', so that all numbers change.
    #[derive(Checkpoint)]
    #[checkpoint(implements(dyn NewPart, "axle"))]
    struct Axle;
    impl NewPart for NewWheel {
        fn tell(&self) -> String {
            format!("wheel {}", self.size)
        }
    }
    impl NewPart for NewEngine {
        fn tell(&self) -> String {
            format!("engine {} {}", self.new, self.power)
        }
    }
    impl NewPart for Axle {
        fn tell(&self) -> String {
            "axle".into()
        }
    }

    #[samestate::dynamic(name = "Part")]
    pub(super) trait Fewer {}

    #[derive(Checkpoint)]
    #[checkpoint(implements(dyn Fewer, "engine"), name = "Engine")]
    struct Untold {
        power: u64,
        gone: u8,
    }
    impl Fewer for Untold {}
}

#[test]
fn implementers_of_traits_evolve() {
    let old: Vec<Rc<dyn parts::OldPart>> =
        vec![Rc::new(parts::OldEngine { power: 7, gone: 1 }), Rc::new(parts::OldWheel(3))];
    let old = vec![Rc::clone(&old[0]), Rc::clone(&old[1]), Rc::clone(&old[0])];
    let image = to_vec(&old).unwrap();
    let stored = golden("implementers_changed", &image);
    let new: Vec<Rc<dyn parts::NewPart>> = from_slice(&stored).unwrap();
    let told: Vec<String> = new.iter().map(|part| part.tell()).collect();
    assert_eq!(told, ["engine 9 7", "wheel 3", "engine 9 7"]);
    assert!(Rc::ptr_eq(&new[0], &new[2]));
    forge(&image, |forged| drop(from_slice::<Vec<Rc<dyn parts::NewPart>>>(forged)));

    let Err(error) = from_slice::<Vec<Rc<dyn parts::Fewer>>>(&image) else { panic!("restored") };
    let error = error.to_string();
    assert!(error.contains("{engine}.power: `u32` in the image, `u64` in the program"), "{error}");
    assert!(error.contains("{wheel}: only the image has this implementer"), "{error}");
}
