//! Functions around saving and restoring: when they are called, that they are called on failure, and
//! that they can refuse.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

use samestate::{
    Checkpoint, Handles, RestoreError, RestoreErrorKind, Restorer, SaveError, Saver, SchemaBuilder,
    TypeRef, from_slice, restore_in_place, testing, to_vec,
};

thread_local! {
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn call(text: impl Into<String>) {
    CALLS.with_borrow_mut(|calls| calls.push(text.into()));
}

/// What was called since the last time.
fn calls() -> Vec<String> {
    CALLS.take()
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
#[checkpoint(before_save = Self::before_save, after_save = Self::after_save)]
#[checkpoint(before_restore = Self::before_restore, after_restore = Self::after_restore)]
#[checkpoint(restore_failed = Self::restore_failed)]
struct Device<T: Clone> {
    id: u8,
    inner: T,
    #[checkpoint(skip(default), reason = "set by after_restore")]
    twice: u16,
}

impl<T: Clone> Device<T> {
    fn before_save(&self) -> Result<(), String> {
        call(format!("before_save {}", self.id));
        if self.id == 99 { Err("it is busy".into()) } else { Ok(()) }
    }

    fn after_save(&self, saved: Result<(), &SaveError>) {
        call(format!("after_save {} {:?}", self.id, saved.map_err(ToString::to_string)));
    }

    fn before_restore(running: Option<&Self>) -> Result<(), String> {
        call(format!("before_restore {:?}", running.map(|running| running.id)));
        if running.is_some_and(|running| running.id == 98) {
            Err("keep off".into())
        } else {
            Ok(())
        }
    }

    fn after_restore(&mut self) -> Result<(), String> {
        call(format!("after_restore {}", self.id));
        self.twice = u16::from(self.id) * 2;
        if self.id == 97 { Err("no such device".into()) } else { Ok(()) }
    }

    fn restore_failed(running: Option<&Self>, error: &RestoreError) {
        call(format!("restore_failed {:?} {}", running.map(|running| running.id), error.kind()));
    }
}

fn device<T: Clone>(id: u8, inner: T) -> Device<T> {
    Device { id, inner, twice: u16::from(id) * 2 }
}

/// A value whose own code misbehaves.
#[derive(Clone, Debug, PartialEq)]
struct Odd(u8);

impl Checkpoint for Odd {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        match self.0 {
            1 => Err(SaveError::custom("odd")),
            2 => panic!("it panics"),
            _ => self.0.save(saver),
        }
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        match u8::restore(restorer)? {
            3 => Err(restorer.bad_value("odd number")),
            4 => panic!("it panics"),
            number => Ok(Self(number)),
        }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<u8>()
    }
}

#[test]
fn they_are_called_in_order() {
    let outer = device(1, device(2, vec![7_u8; 3]));
    let image = to_vec(&outer).unwrap();
    let expected = ["before_save 1", "before_save 2", "after_save 2 Ok(())", "after_save 1 Ok(())"];
    assert_eq!(calls(), expected);
    assert_eq!(from_slice::<Device<Device<Vec<u8>>>>(&image).unwrap(), outer);
    let expected =
        ["before_restore None", "before_restore None", "after_restore 2", "after_restore 1"];
    assert_eq!(calls(), expected);
    let mut running = device(5, device(6, vec![]));
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!(running, outer);
    let expected =
        ["before_restore Some(5)", "before_restore None", "after_restore 2", "after_restore 1"];
    assert_eq!(calls(), expected);
}

/// Also in a map, whose entries are encoded in another order than they come in.
#[test]
fn they_are_called_once_for_each_value() {
    let map: HashMap<u8, Device<Rc<u8>>> = (1..9).map(|id| (id, device(id, Rc::new(id)))).collect();
    let image = to_vec(&map).unwrap();
    assert_eq!(calls().len(), 16);
    assert_eq!(from_slice::<HashMap<u8, Device<Rc<u8>>>>(&image).unwrap(), map);
    assert_eq!(calls().len(), 16);
}

#[test]
fn failures_are_told() {
    assert_eq!(
        to_vec(&device(1, device(2, Odd(1)))).unwrap_err().to_string(),
        "odd",
        "the error is the first one"
    );
    let expected = [
        "before_save 1",
        "before_save 2",
        "after_save 2 Err(\"odd\")",
        "after_save 1 Err(\"odd\")",
    ];
    assert_eq!(calls(), expected);

    let image = to_vec(&device(1, device(2, Odd(3)))).unwrap();
    calls();
    from_slice::<Device<Device<Odd>>>(&image).unwrap_err();
    let failed = "restore_failed None the image holds no valid odd number here";
    assert_eq!(calls(), ["before_restore None", "before_restore None", failed, failed]);

    let mut running = device(5, device(6, Odd(0)));
    let before = running.clone();
    restore_in_place(&mut running, &image, Handles::new()).unwrap_err();
    assert_eq!(running, before);
    let outer = failed.replace("None", "Some(5)");
    assert_eq!(calls(), ["before_restore Some(5)", "before_restore None", failed, &outer]);
}

#[test]
fn a_panic_is_told_and_goes_on() {
    let value = device(1, Odd(2));
    catch_unwind(AssertUnwindSafe(|| to_vec(&value))).unwrap_err();
    assert_eq!(calls(), ["before_save 1", "after_save 1 Err(\"saving panicked\")"]);

    let image = to_vec(&device(1, Odd(4))).unwrap();
    calls();
    catch_unwind(AssertUnwindSafe(|| from_slice::<Device<Odd>>(&image))).unwrap_err();
    assert_eq!(calls(), ["before_restore None", "restore_failed None restoring panicked"]);
}

/// A function that panics while something else unwinds must not abort the program.
#[test]
fn a_panic_while_unwinding_is_swallowed() {
    #[derive(Checkpoint)]
    #[checkpoint(after_save = after)]
    struct Twice(Odd);
    fn after(_: &Twice, saved: Result<(), &SaveError>) {
        assert!(saved.is_ok(), "again");
    }
    let payload = catch_unwind(|| to_vec(&Twice(Odd(2)))).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"it panics"));
}

#[test]
fn they_can_refuse() {
    let error = to_vec(&device(99, 0_u8)).unwrap_err();
    assert!(matches!(error, SaveError::Refused { type_name: "Device", .. }));
    assert_eq!(error.to_string(), "`before_save` of `Device` refuses to save: it is busy");
    assert_eq!(calls(), ["before_save 99"], "what did not begin does not end");

    let image = to_vec(&device(97, 0_u8)).unwrap();
    calls();
    let error = from_slice::<Device<u8>>(&image).unwrap_err();
    assert!(matches!(error.kind(), RestoreErrorKind::Refused { hook: "after_restore", .. }));
    let message = "`after_restore` of `Device` refuses the image: no such device";
    assert_eq!(error.to_string(), message);
    let failed = format!("restore_failed None {message}");
    assert_eq!(calls(), ["before_restore None", "after_restore 97", &failed]);

    let mut running = device(5, 1_u8);
    restore_in_place(&mut running, &image, Handles::new()).unwrap_err();
    assert_eq!(running, device(5, 1), "a refused image changes nothing");
    calls();

    let image = to_vec(&device(1, 0_u8)).unwrap();
    let mut running = device(98, 1_u8);
    calls();
    let error = restore_in_place(&mut running, &image, Handles::new()).unwrap_err().to_string();
    assert_eq!(error, "`before_restore` of `Device` refuses the image: keep off");
    assert_eq!(calls(), ["before_restore Some(98)"]);
}

/// Without `after_restore`, fields are kept in place as ever, and the others may have it.
#[test]
fn fields_are_kept_beside_the_other_functions() {
    #[derive(Checkpoint, Debug, PartialEq)]
    #[checkpoint(before_restore = before, restore_failed = failed)]
    enum Mode {
        On {
            level: Odd,
            #[checkpoint(skip(keep), reason = "a setting")]
            volume: u8,
        },
        Off,
    }
    #[expect(clippy::unnecessary_wraps, reason = "called as it is")]
    fn before(running: Option<&Mode>) -> Result<(), String> {
        call(format!("before {running:?}"));
        Ok(())
    }
    fn failed(running: Option<&Mode>, error: &RestoreError) {
        call(format!("failed {running:?} {}", error.kind()));
    }
    let image = to_vec(&Mode::On { level: Odd(5), volume: 1 }).unwrap();
    let mut running = Mode::On { level: Odd(6), volume: 2 };
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!(running, Mode::On { level: Odd(5), volume: 2 });
    assert_eq!(calls(), ["before Some(On { level: Odd(6), volume: 2 })"]);
    restore_in_place(&mut Mode::Off, &to_vec(&Mode::Off).unwrap(), Handles::new()).unwrap();
    assert_eq!(calls(), ["before Some(Off)"]);
    from_slice::<Mode>(&image).unwrap_err();
    assert_eq!(calls().len(), 2);
    // To another variant, of which nothing runs that could be kept.
    let mut running = Mode::On { level: Odd(6), volume: 2 };
    restore_in_place(&mut running, &to_vec(&Mode::Off).unwrap(), Handles::new()).unwrap();
    assert_eq!(running, Mode::Off);
    assert_eq!(calls(), ["before Some(On { level: Odd(6), volume: 2 })"]);
    restore_in_place(&mut running, &image, Handles::new()).unwrap_err();
    assert_eq!(running, Mode::Off);
    let told = calls();
    assert_eq!(told[0], "before Some(Off)");
    assert!(told.len() == 2 && told[1].starts_with("failed Some(Off)"), "{told:?}");
}

/// What others are rebuilt from is read whole, and told of the value that runs all the same.
#[test]
fn what_a_field_is_rebuilt_from_is_told_of_the_running_value() {
    #[derive(Checkpoint)]
    struct Board {
        device: Device<u8>,
        #[checkpoint(volatile)]
        clock: Device<u8>,
        #[checkpoint(rebuild = sum, needs(device, clock))]
        sum: u8,
        #[checkpoint(skip(keep), reason = "a setting")]
        volume: u8,
    }
    #[expect(clippy::unnecessary_wraps, reason = "called as it is")]
    fn sum(device: &Device<u8>, clock: &Device<u8>) -> Result<u8, String> {
        Ok(device.inner + clock.inner)
    }
    let board = |id, inner| {
        let (device, clock) = (device(id, inner), device(id + 1, inner));
        Board { device, clock, sum: 2 * inner, volume: id }
    };
    let image = to_vec(&board(1, 10)).unwrap();
    let mut running = board(5, 20);
    calls();
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!((running.device.id, running.sum, running.volume), (1, 20, 5));
    let expected =
        ["before_restore Some(5)", "after_restore 1", "before_restore Some(6)", "after_restore 2"];
    assert_eq!(calls(), expected);
}

/// The root is told of what comes to light after it was restored.
#[test]
fn the_root_is_told_of_what_follows_it() {
    let image = to_vec(&device(1, 2_u8)).unwrap();
    let image = samestate_image::Image::from_bytes(&image).unwrap();
    let values = [image.values(), &[0]].concat();
    let schema = image.schema();
    let parts = samestate_image::build::Parts {
        root_hash: schema.root_hash(),
        schema: &schema.encode(),
        values: &values,
        volatile: &[],
    };
    let forged = samestate_image::build::Built::new(parts, []).unwrap();
    let forged = forged.to_vec(&samestate_image::Header::default());
    calls();
    from_slice::<Device<u8>>(&forged).unwrap_err();
    let failed = "restore_failed None 1 bytes follow the last value";
    assert_eq!(calls(), ["before_restore None", "after_restore 1", failed]);
}

thread_local! {
    /// How many more times the node agrees.
    static AGREES: Cell<u32> = const { Cell::new(u32::MAX) };
}

#[derive(Checkpoint)]
#[checkpoint(after_restore = Self::judge)]
struct Node {
    me: RefCell<Weak<Node>>,
}

impl Node {
    fn judge(&mut self) -> Result<(), String> {
        let left = AGREES.get().checked_sub(1).ok_or("it changed its mind")?;
        AGREES.set(left);
        Ok(())
    }
}

/// An object with weak pointers to itself is tried out first, without its functions. If one refuses
/// it when it is built, the image is refused all the same, and nothing unwinds out of it.
#[test]
fn a_function_that_refuses_what_was_tried_out_is_an_error() {
    let node = Rc::new_cyclic(|me| Node { me: RefCell::new(me.clone()) });
    let image = to_vec(&node).unwrap();
    for (agrees, is_restored) in [(0, false), (1, true)] {
        AGREES.set(agrees);
        match from_slice::<Rc<Node>>(&image) {
            Ok(node) => {
                assert!(is_restored);
                assert!(Rc::ptr_eq(&node.me.borrow().upgrade().unwrap(), &node));
            }
            Err(error) => {
                assert!(!is_restored);
                assert!(error.to_string().contains("it changed its mind"), "{error}");
            }
        }
    }
}

/// What an object holds that has weak pointers to itself.
#[derive(Checkpoint)]
struct Part {
    me: RefCell<Weak<Whole>>,
    device: Device<Handle>,
    odd: Odd,
}

#[derive(Checkpoint)]
struct Whole(Part);

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Handle(#[checkpoint(external = "handle")] u32);

/// A trial is no restore: whether it goes well, fails, or ends at a handle, its values are none that
/// somebody must be told of.
#[test]
fn no_function_is_called_in_a_trial() {
    let whole = |odd| {
        Rc::new_cyclic(|me| {
            let me = RefCell::new(Weak::clone(me));
            Whole(Part { me, device: device(1, Handle(7)), odd: Odd(odd) })
        })
    };
    let handles = || Handles::new().with("handle", 9_u32);
    let image = to_vec(&whole(0)).unwrap();
    calls();
    let restored: Rc<Whole> = samestate::from_slice_with(&image, handles()).unwrap();
    assert_eq!(restored.0.device.inner, Handle(9));
    assert!(Rc::ptr_eq(&restored.0.me.borrow().upgrade().unwrap(), &restored));
    assert_eq!(calls(), ["before_restore None", "after_restore 1"]);
    // What fails behind the handle fails when the object is built.
    let image = to_vec(&whole(3)).unwrap();
    calls();
    let failed = samestate::from_slice_with::<Rc<Whole>>(&image, handles()).err().unwrap();
    assert!(failed.to_string().contains("odd number"), "{failed}");
    assert_eq!(calls(), ["before_restore None", "after_restore 1"]);
}

#[test]
fn the_assertions_hold_for_them() {
    let setup = testing::Setup::new();
    setup.assert_roundtrip(&device(1, 2_u8));
    setup.assert_every_field_survives(&device(1, 2_u8));
}
