//! Trait objects come back as the types that they were, by registered names.

use std::rc::{Rc, Weak};
use std::sync::Arc;

use samestate::{Checkpoint, PointerProblem, SaveError, from_slice, to_vec};
use samestate_image::Image;

use crate::hostile::{forged, refused};

#[samestate::dynamic]
trait Device {
    fn name(&self) -> String;

    fn bus(&self) -> Option<Rc<Bus>> {
        None
    }
}

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Device, "uart"), implements(dyn Device + Send + Sync, "uart"))]
struct Uart {
    buffer: Vec<u8>,
}

impl Device for Uart {
    fn name(&self) -> String {
        format!("uart {}", self.buffer.len())
    }
}

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Device, "mux"))]
struct Mux {
    inputs: Vec<Box<dyn Device>>,
    bus: Weak<Bus>,
}

impl Device for Mux {
    fn name(&self) -> String {
        let names: Vec<String> = self.inputs.iter().map(|input| input.name()).collect();
        format!("mux({})", names.join(", "))
    }

    fn bus(&self) -> Option<Rc<Bus>> {
        self.bus.upgrade()
    }
}

struct Forgotten;

impl Device for Forgotten {
    fn name(&self) -> String {
        "forgotten".into()
    }
}

#[derive(Checkpoint)]
struct Bus {
    step: u32,
    devices: Vec<Rc<dyn Device>>,
    active: Weak<dyn Device>,
    none: Weak<dyn Device>,
}

fn again<T: Checkpoint>(value: &T) -> T {
    let image = to_vec(value).unwrap();
    let restored = from_slice::<T>(&image).unwrap();
    assert_eq!(to_vec(&restored).unwrap(), image, "a save of the restored state");
    Image::from_bytes(&image[..]).unwrap().value().unwrap();
    restored
}

fn uart(len: usize) -> Uart {
    Uart { buffer: vec![7; len] }
}

fn mux(bus: &Weak<Bus>) -> Mux {
    let inner = Mux { inputs: vec![Box::new(uart(1))], bus: Weak::new() };
    Mux { inputs: vec![Box::new(uart(5000)), Box::new(inner)], bus: bus.clone() }
}

#[test]
fn trait_objects_come_back() {
    let bus = Rc::new_cyclic(|weak| {
        let last: Rc<dyn Device> = Rc::new(mux(weak));
        let active = Rc::downgrade(&last);
        let none: Weak<dyn Device> = Weak::<Uart>::new();
        Bus { step: 4, devices: vec![Rc::new(uart(3)), last.clone(), last], active, none }
    });
    let restored = again(&bus);
    let names: Vec<String> = restored.devices.iter().map(|device| device.name()).collect();
    let muxes = "mux(uart 5000, mux(uart 1))";
    assert_eq!((restored.step, names), (4, vec!["uart 3".to_owned(), muxes.into(), muxes.into()]));
    assert!(Rc::ptr_eq(&restored.devices[1], &restored.devices[2]));
    assert!(Rc::ptr_eq(&restored.active.upgrade().unwrap(), &restored.devices[1]));
    assert!(Rc::ptr_eq(&restored.devices[1].bus().unwrap(), &restored));
    assert!(restored.none.upgrade().is_none());
}

#[test]
fn objects_that_threads_share_come_back() {
    let object: Arc<dyn Device + Send + Sync> = Arc::new(uart(2));
    let (a, b) = again(&(object.clone(), object));
    assert!(Arc::ptr_eq(&a, &b));
    assert_eq!(a.name(), "uart 2");
}

#[test]
fn an_image_shows_what_stands_behind_a_trait() {
    let devices: Vec<Box<dyn Device>> = vec![Box::new(uart(1))];
    let image = to_vec(&devices).unwrap();
    let image = Image::from_bytes(&image[..]).unwrap();
    let value = image.value().unwrap();
    assert_eq!(value.to_string(), "[{uart} Uart { buffer: [7] }]");
    let mut paths = Vec::new();
    let root = samestate_schema::path::FieldPath::root("v");
    value.visit(&root, &mut |path, _| paths.push(path.to_string()));
    assert_eq!(paths, ["v", "v[0]", "v[0]{uart}", "v[0]{uart}.buffer"]);
}

#[test]
fn a_type_without_a_name_is_named_when_it_is_saved() {
    let state: (u8, Vec<Box<dyn Device>>) = (1, vec![Box::new(uart(1)), Box::new(Forgotten)]);
    let error = to_vec(&state).unwrap_err();
    let expected = "at (u8, alloc::vec::Vec<alloc::boxed::Box<dyn it::dynamic::Device>>).1[1]: \
                    `it::dynamic::Forgotten` has no name to be restored by as \
                    `dyn it::dynamic::Device`; write \
                    `#[checkpoint(implements(dyn it::dynamic::Device, \"name\"))]` on it";
    assert_eq!(error.to_string(), expected);
    let SaveError::Pointer { problem, .. } = error else { panic!("{error}") };
    let trait_name = "dyn it::dynamic::Device";
    assert_eq!(problem, PointerProblem::Unregistered { trait_name });
}

#[test]
fn forged_trait_objects_are_refused() {
    let devices: Vec<Box<dyn Device>> = vec![];
    // In the order of the names, "by hand" is 0, "mux" 1 and "uart" 2.
    let good: Vec<Box<dyn Device>> = from_slice(&forged(&devices, &[1, 2, 1, 9], &[])).unwrap();
    assert_eq!(good[0].name(), "uart 1");
    assert!(refused(&devices, &[1, 3, 1, 9], &[]).contains("no valid variant"));
    assert!(refused(&devices, &[1, 2, 1], &[]).contains("too early"));
    let deep = [&[1][..], &[1, 1].repeat(10_000_000)].concat();
    assert!(refused(&devices, &deep, &[]).contains("nest too deeply"));
}

#[samestate::dynamic(name = "Twice")]
trait Ambiguous {}

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Ambiguous, "same"))]
struct One;
impl Ambiguous for One {}

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Ambiguous, "same"))]
struct Two;
impl Ambiguous for Two {}

#[test]
fn a_name_that_two_types_have_is_an_error() {
    let objects: Vec<Box<dyn Ambiguous>> = vec![Box::new(One), Box::new(Two)];
    let error = to_vec(&objects).unwrap_err().to_string();
    assert!(error.starts_with("the implementers of `dyn it::dynamic::Ambiguous` contradict"));
    assert!(error.contains("\"same\" is the name of both") && error.contains("it::dynamic::Two"));
}

#[test]
fn a_trait_that_nothing_implements_saves_nothing() {
    #[samestate::dynamic]
    trait Lonely {}

    let none: Vec<Box<dyn Lonely>> = vec![];
    assert!(again(&none).is_empty());
    let Err(error) = from_slice::<Vec<Box<dyn Lonely>>>(&forged(&none, &[1, 0], &[])) else {
        panic!("it was restored")
    };
    assert!(error.to_string().contains("no valid variant"));
}

#[derive(Checkpoint)]
#[checkpoint(manual, implements(dyn Device, "by hand"))]
struct ByHand {
    volume: u8,
}

impl Checkpoint for ByHand {
    fn save<'a>(&'a self, saver: &mut samestate::Saver<'a>) -> Result<(), SaveError> {
        let ByHandFields { volume } = self.saved_fields();
        volume.save(saver)
    }

    fn restore(restorer: &mut samestate::Restorer<'_>) -> Result<Self, samestate::RestoreError> {
        let volume = u8::restore(restorer)?;
        Self::from_restored(ByHandFields { volume }, restorer)
    }

    fn schema(schema: &mut samestate::SchemaBuilder) -> samestate::TypeRef {
        Self::schema_of_fields(schema)
    }
}

impl Device for ByHand {
    fn name(&self) -> String {
        format!("by hand {}", self.volume)
    }
}

#[test]
fn a_type_saved_by_hand_has_a_name_too() {
    let device: Box<dyn Device> = Box::new(ByHand { volume: 11 });
    assert_eq!(again(&device).name(), "by hand 11");
}
