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
  it::evolve::after::Sim: version 1 in the image, version 2 in the program
  it::evolve::after::Sim.drag: `f32` in the image, `f64` in the program
  it::evolve::after::Sim.bodies[].mass: saved in the image, skipped(default) in the program
  it::evolve::after::Sim.bodies[].kind::Ice: variant number 2 in the image, number 1 in the program
  it::evolve::after::Sim.bodies[].kind::Ice.age: `u32` in the image, `u64` in the program
  it::evolve::after::Sim.bodies[].kind::Plasma: the image does not have this variant
  it::evolve::after::Sim.bodies[].kind::Gas: only the image has this variant
  it::evolve::after::Sim.new: the image does not have this field (`Option<String>`)
  it::evolve::after::Sim.gone: only the image has this field (`u8`)
  it::evolve::after::Sim.second: the field stands in another place in the image
  it::evolve::after::Sim.first: the field stands in another place in the image";
    assert_eq!(error.to_string(), expected);
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
