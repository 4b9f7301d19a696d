//! Objects that several pointers share come back shared, and no image can make them anything else.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex};

use samestate::{Checkpoint, Handles, PointerProblem, RestoreErrorKind, SaveError};
use samestate::{from_slice, from_slice_with, to_vec};
use samestate_image::Image;
use samestate_image::layout::DEPTH_LIMIT;

use crate::hostile::{forged, refused};

fn again<T: Checkpoint>(value: &T) -> T {
    let image = to_vec(value).unwrap();
    let restored = from_slice::<T>(&image).unwrap();
    assert_eq!(to_vec(&restored).unwrap(), image, "a save of the restored state");
    Image::from_bytes(&image[..]).unwrap().value().unwrap();
    restored
}

fn shown<T: Checkpoint>(value: &T) -> String {
    let image = to_vec(value).unwrap();
    Image::from_bytes(&image[..]).unwrap().value().unwrap().to_string()
}

#[test]
fn what_is_shared_stays_shared() {
    let one = Rc::new(String::from("one"));
    let state = (vec![one.clone(), Rc::new("one".into()), one.clone()], Some(one));
    let (list, last) = again(&state);
    assert_eq!(list, state.0);
    assert!(Rc::ptr_eq(&list[0], &list[2]) && Rc::ptr_eq(&list[0], &last.unwrap()));
    assert!(!Rc::ptr_eq(&list[0], &list[1]), "equal objects do not become one");
    assert_eq!(Rc::strong_count(&list[0]), 2, "nothing else owns it");
    assert_eq!(shown(&state), "([#0 = \"one\", #1 = \"one\", #0], Some(#0))");
    let apart = (vec![Rc::new("one".to_owned()), Rc::new("one".into())], None::<Rc<String>>);
    assert_ne!(to_vec(&apart).unwrap(), to_vec(&state).unwrap());
}

#[test]
fn shared_objects_come_back_behind_cells_locks_and_blocks() {
    let counter = Arc::new(Mutex::new(vec![7_u64; 3000]));
    let (a, b) = again(&(counter.clone(), RefCell::new(vec![counter])));
    b.borrow()[0].lock().unwrap()[0] = 8;
    assert_eq!(a.lock().unwrap()[0], 8);
    let slice: Rc<[u16]> = vec![3; 4000].into();
    let (a, b, weak) = again(&(slice.clone(), slice.clone(), Rc::downgrade(&slice)));
    assert!(Rc::ptr_eq(&a, &b) && Rc::ptr_eq(&a, &weak.upgrade().unwrap()));
    again(&BTreeMap::from([(1_u8, a.clone()), (0, a)]));
}

#[test]
fn weak_pointers_live_or_dangle_as_before() {
    let object = Rc::new(5_u8);
    let gone = Rc::downgrade(&Rc::new(6_u8));
    // The weak one comes before its owner here.
    let state = (Rc::downgrade(&object), object.clone(), gone, Weak::<u8>::new(), Some(object));
    let (weak, first, gone, never, second) = again(&state);
    assert!(Rc::ptr_eq(&weak.upgrade().unwrap(), &first));
    assert!(Rc::ptr_eq(&first, &second.unwrap()));
    assert!(gone.upgrade().is_none() && never.upgrade().is_none());
    assert_eq!(shown(&state), "(weak #0 = 5, #0, weak none, weak none, Some(#0))");
}

#[derive(Checkpoint, Debug, Default)]
struct Node {
    name: String,
    parent: RefCell<Weak<Node>>,
    children: RefCell<Vec<Rc<Node>>>,
}

impl Node {
    fn new(name: &str, children: Vec<Rc<Node>>) -> Rc<Self> {
        let node = Rc::new(Self { name: name.into(), ..Self::default() });
        for child in &children {
            *child.parent.borrow_mut() = Rc::downgrade(&node);
        }
        node.children.replace(children);
        node
    }

    fn parent(&self) -> Option<Rc<Node>> {
        self.parent.borrow().upgrade()
    }
}

#[test]
fn a_tree_knows_its_parents_again() {
    let leaves = || vec![Node::new("x", vec![]), Node::new("y", vec![])];
    let tree = Node::new("root", vec![Node::new("a", leaves()), Node::new("b", leaves())]);
    let deep = tree.children.borrow()[1].children.borrow()[0].clone();
    let (restored, deep) = again(&(tree, deep));
    let b = restored.children.borrow()[1].clone();
    assert_eq!((b.name.as_str(), b.children.borrow().len()), ("b", 2));
    assert!(Rc::ptr_eq(&b.parent().unwrap(), &restored) && restored.parent().is_none());
    assert!(Rc::ptr_eq(&deep.parent().unwrap(), &b) && Rc::ptr_eq(&deep, &b.children.borrow()[0]));
    assert_eq!((Rc::strong_count(&restored), Rc::weak_count(&restored)), (1, 2));
    // Met first by the way up: the parent is saved inside its child.
    let tree = Node::new("root", vec![Node::new("a", vec![])]);
    let child = tree.children.borrow()[0].clone();
    let error = to_vec(&child).unwrap_err();
    assert!(matches!(error, SaveError::Pointer { problem: PointerProblem::OwnsItself, .. }));
}

#[derive(Checkpoint)]
struct ArcNode {
    number: u32,
    own: Mutex<std::sync::Weak<ArcNode>>,
}

#[test]
fn an_arc_that_knows_itself_comes_back() {
    let shared = Arc::new_cyclic(|weak| ArcNode { number: 9, own: Mutex::new(weak.clone()) });
    let restored = again(&shared);
    assert_eq!(restored.number, 9);
    assert!(Arc::ptr_eq(&restored.own.lock().unwrap().upgrade().unwrap(), &restored));
}

#[derive(Checkpoint, Default)]
struct Ring {
    name: String,
    next: RefCell<Option<Rc<Ring>>>,
}

#[test]
fn what_owns_itself_is_refused_by_its_path() {
    let [a, b] = ["a", "b"].map(|name| Rc::new(Ring { name: name.into(), ..Ring::default() }));
    a.next.replace(Some(b.clone()));
    assert!(to_vec(&vec![a.clone()]).is_ok(), "a chain is none");
    b.next.replace(Some(a.clone()));
    let error = to_vec(&vec![b.clone()]).unwrap_err().to_string();
    let place = "at alloc::vec::Vec<alloc::rc::Rc<it::shared::Ring>>[0].next::Some.next::Some: ";
    let expected = "the `it::shared::Ring` here owns itself over this pointer; make one of the \
                    pointers on the way a `Weak`";
    assert_eq!(error, format!("{place}{expected}"));
    b.next.replace(None);
}

#[derive(Checkpoint)]
struct Watcher {
    id: u8,
    watched: Weak<u16>,
    #[checkpoint(skip(default), reason = "a test")]
    owner: Option<Rc<u16>>,
}

fn problem(result: Result<Vec<u8>, SaveError>) -> (PointerProblem, String) {
    match result {
        Err(SaveError::Pointer { problem, path, .. }) => (problem, path.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pointers_that_nothing_could_restore_are_refused_when_saving() {
    let owner = Rc::new(1);
    let watcher = Watcher { id: 3, watched: Rc::downgrade(&owner), owner: Some(owner) };
    let place = "it::shared::Watcher.watched".to_owned();
    assert_eq!(problem(to_vec(&watcher)), (PointerProblem::NotOwned, place));
    let orphan = Watcher { owner: None, id: watcher.id, watched: watcher.watched.clone() };
    assert!(orphan.owner.is_none() && watcher.owner.is_some());
    drop(watcher);
    assert!(again(&orphan).watched.upgrade().is_none(), "a pointer to nothing is silent");

    let (found, path) = problem(to_vec(&HashMap::from([(Rc::new(1_u8), 2_u8)])));
    assert_eq!(found, PointerProblem::InKey);
    assert!(path.ends_with("[key]"), "{path}");
}

#[test]
fn forged_references_are_refused() {
    let object = Rc::new(5_u8);
    let two = vec![object.clone(), object.clone()];
    // Two pointers: a new object, the value 5, a reference to object 0.
    assert!(from_slice::<Vec<Rc<u8>>>(&forged(&two, &[2, 0, 5, 2], &[])).is_ok());
    assert!(refused(&two, &[2, 0, 5, 3], &[]).contains("an object that is not there"));
    assert!(refused(&two, &[2, 2, 0, 5], &[]).contains("an object that is not there"));
    let far = [&[2, 0, 5, 255][..], &u64::MAX.to_le_bytes()].concat();
    assert!(refused(&two, &far, &[]).contains("an object that is not there"));
    assert!(refused(&two, &[2, 1, 5, 2], &[]).contains("should hold weak pointers to itself"));

    let types = (object.clone(), Rc::new(1_i8));
    assert!(refused(&types, &[0, 5, 2], &[]).contains("an object of another type"));
    let kinds = (object.clone(), Arc::new(5_u8));
    assert!(refused(&kinds, &[0, 5, 2], &[]).contains("an object of another type"));

    let weak = (Rc::downgrade(&object), object);
    assert!(from_slice::<(Weak<u8>, Rc<u8>)>(&forged(&weak, &[1, 5, 2], &[])).is_ok());
    assert!(refused(&weak, &[1, 5, 0, 5], &[]).contains("an object that nothing owns"));
    assert!(refused(&weak, &[3, 0, 5], &[]).contains("an object that is not there"));

    // A ring of one: name, `Some`, and the object itself.
    let ring = Rc::new(Ring::default());
    assert!(refused(&ring, &[0, 0, 1, 2], &[]).contains("is not there yet"));
    // A node whose parent is itself, without the sign that it is so; and with it.
    let node = Rc::new(Node::default());
    assert!(refused(&node, &[0, 0, 3, 0], &[]).contains("is not there yet"));
    let good: Rc<Node> = from_slice(&forged(&node, &[1, 0, 3, 0], &[])).unwrap();
    assert!(Rc::ptr_eq(&good.parent().unwrap(), &good));
    // An error inside a graph with weak pointers.
    assert!(refused(&node, &[1, 0, 3, 1, 0, 0, 3, 9], &[]).contains("bytes for"));
    assert!(refused(&node, &[1, 0, 3, 1, 1, 0, 3, 1, 2], &[]).contains("is not there yet"));
}

#[test]
fn every_forged_byte_is_refused_or_means_itself() {
    let tree =
        Node::new("r", vec![Node::new("a", vec![]), Node::new("b", vec![Node::new("c", vec![])])]);
    let image = to_vec(&tree).unwrap();
    let image = Image::from_bytes(&image[..]).unwrap();
    let mut values = image.values().to_vec();
    for at in 0..values.len() {
        let honest = values[at];
        for byte in 0..=255 {
            values[at] = byte;
            let forged = forged(&tree, &values, &[]);
            let _ = Image::from_bytes(&forged[..]).unwrap().value();
            if let Ok(value) = from_slice::<Rc<Node>>(&forged) {
                assert_eq!(to_vec(&value).unwrap(), forged, "byte {at} set to {byte}");
            }
        }
        values[at] = honest;
    }
}

fn ring_of(length: u32) -> Rc<Ring> {
    let mut last = Rc::new(Ring::default());
    for _ in 1..length {
        last = Rc::new(Ring { name: String::new(), next: RefCell::new(Some(last)) });
    }
    last
}

#[test]
fn nesting_is_limited_alike_when_saving_and_restoring() {
    again(&ring_of(DEPTH_LIMIT));
    assert!(matches!(to_vec(&ring_of(DEPTH_LIMIT + 1)).unwrap_err(), SaveError::TooDeep));
    let mut tree = Node::new("", vec![]);
    // Each level is a pointer and a `Vec`.
    for _ in 1..DEPTH_LIMIT / 2 {
        tree = Node::new("", vec![tree]);
    }
    again(&tree);
    let tree = Node::new("", vec![tree]);
    assert!(matches!(to_vec(&tree).unwrap_err(), SaveError::TooDeep));

    // New object, empty name, `Some`, without end; then with weak pointers to each.
    for level in [&[0, 0, 1][..], &[1, 0, 1][..]] {
        let image = forged(&Rc::new(Ring::default()), &level.repeat(10_000_000), &[]);
        let Err(error) = from_slice::<Rc<Ring>>(&image) else { panic!("it was restored") };
        assert!(matches!(error.kind(), RestoreErrorKind::TooDeep), "{error}");
        assert!(Image::from_bytes(&image[..]).unwrap().value().is_err());
    }
    let image = forged(&Node::new("", vec![]), &[1, 0, 0, 1].repeat(1_000_000), &[]);
    let Err(error) = from_slice::<Rc<Node>>(&image) else { panic!("it was restored") };
    assert!(matches!(error.kind(), RestoreErrorKind::TooDeep), "{error}");
}

#[derive(Checkpoint)]
struct Port {
    own: RefCell<Weak<Port>>,
    #[checkpoint(rebuild = sum, needs(numbers))]
    sum: u32,
    #[checkpoint(external = "socket")]
    socket: String,
    numbers: Vec<u32>,
}

#[expect(clippy::ptr_arg, reason = "it is called with the field as it is")]
fn sum(numbers: &Vec<u32>) -> Result<u32, String> {
    if numbers.is_empty() { Err("nothing to sum".into()) } else { Ok(numbers.iter().sum()) }
}

#[test]
fn graphs_with_weak_pointers_take_handles_and_fail_as_errors() {
    let port = |numbers: Vec<u32>| {
        Rc::new_cyclic(|weak: &Weak<Port>| Port {
            own: RefCell::new(weak.clone()),
            sum: 0,
            socket: String::new(),
            numbers,
        })
    };
    let restore = |image: &[u8]| {
        from_slice_with::<Rc<Port>>(image, Handles::new().with("socket", String::from("given")))
    };
    let restored = restore(&to_vec(&port(vec![1, 2])).unwrap()).unwrap();
    assert_eq!((restored.sum, restored.socket.as_str()), (3, "given"));
    assert!(Rc::ptr_eq(&restored.own.borrow().upgrade().unwrap(), &restored));
    let Err(error) = restore(&to_vec(&port(vec![])).unwrap()) else { panic!("it was restored") };
    let expected = "the field `Port.sum` could not be rebuilt: nothing to sum";
    assert_eq!(error.to_string(), expected);
}

/// What is tried out before it is built counts once.
#[test]
fn values_without_bytes_count_once_below_an_object_that_is_tried_out() {
    #[derive(Checkpoint)]
    struct Node {
        own: RefCell<Weak<Node>>,
        empty: Vec<Vec<()>>,
    }

    let node = |lists| {
        let node = Rc::new(Node { own: RefCell::default(), empty: vec![vec![(); 60_000]; lists] });
        *node.own.borrow_mut() = Rc::downgrade(&node);
        to_vec(&node)
    };
    for lists in [1, 8, 9, 12, 17] {
        let restored: Rc<Node> = from_slice(&node(lists).unwrap()).unwrap();
        assert_eq!(restored.empty.len(), lists);
    }
    assert!(matches!(node(18), Err(SaveError::EmptyTooLarge)));
}
