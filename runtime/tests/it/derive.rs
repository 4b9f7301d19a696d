//! What the derive generates, on items of every shape.

use std::collections::HashMap;

use samestate::{Checkpoint, Handles, from_slice, from_slice_with, to_vec};

#[derive(Checkpoint, Debug, PartialEq)]
#[checkpoint(root, version = 3)]
struct Machine {
    cpu: Cpu,
    ram: Vec<u8>,
    mode: Mode,
    names: HashMap<String, u32>,
    #[checkpoint(skip(default), reason = "filled on first use")]
    cache: Vec<u64>,
    #[checkpoint(skip(value = 44_100), reason = "set by the command line")]
    rate: u32,
    #[checkpoint(rebuild = pages, needs(ram, total))]
    pages: Vec<usize>,
    #[checkpoint(rebuild = total, needs(ram))]
    total: u64,
    #[checkpoint(external = "log")]
    log: Log,
}

#[derive(Debug, PartialEq)]
struct Log(&'static str);

#[derive(Checkpoint, Debug, PartialEq)]
struct Cpu {
    registers: [u32; 4],
    pair: Pair,
    unit: Unit,
}

#[derive(Checkpoint, Debug, PartialEq)]
struct Pair(f64, Option<Box<Pair>>);

#[derive(Checkpoint, Debug, PartialEq)]
struct Unit;

#[derive(Checkpoint, Debug, PartialEq)]
enum Mode {
    Off,
    Delay(u16, u16),
    On { since: u64, level: f32 },
}

fn total(ram: &[u8]) -> Result<u64, String> {
    Ok(ram.iter().map(|&byte| u64::from(byte)).sum())
}

#[expect(clippy::ptr_arg, reason = "it is called with the field as it is")]
fn pages(ram: &Vec<u8>, total: &u64) -> Result<Vec<usize>, String> {
    if *total == 0 { Err(String::from("nothing to page")) } else { Ok(vec![ram.len(), 7]) }
}

fn machine(ram: Vec<u8>) -> Machine {
    Machine {
        cpu: Cpu {
            registers: [1, 2, 3, 4],
            pair: Pair(0.5, Some(Box::new(Pair(-1.0, None)))),
            unit: Unit,
        },
        mode: Mode::On { since: 9, level: 1.5 },
        names: [("a".to_owned(), 1), ("b".to_owned(), 2)].into(),
        cache: vec![],
        rate: 44_100,
        pages: vec![ram.len(), 7],
        total: total(&ram).unwrap(),
        ram,
        log: Log("given"),
    }
}

#[test]
fn a_machine_comes_back() {
    for len in [3, 4096, 100_000] {
        let image = to_vec(&Machine { cache: vec![1], rate: 1, ..machine(vec![5; len]) }).unwrap();
        let handles = Handles::new().with("log", Log("given"));
        assert_eq!(from_slice_with::<Machine>(&image, handles).unwrap(), machine(vec![5; len]));
    }
}

#[test]
fn a_failed_rebuild_is_told() {
    let image = to_vec(&machine(vec![])).unwrap();
    let handles = Handles::new().with("log", Log("given"));
    let error = from_slice_with::<Machine>(&image, handles).unwrap_err().to_string();
    assert_eq!(error, "the field `Machine.pages` could not be rebuilt: nothing to page");
}

#[test]
fn handles_are_checked_before_anything_is_decoded() {
    let image = to_vec(&machine(vec![1])).unwrap();
    let error = |handles| from_slice_with::<Machine>(&image, handles).unwrap_err().to_string();
    assert_eq!(
        error(Handles::new()),
        "the handle \"log\" is missing; give it by `Handles::new().with(\"log\", …)`, as a \
         `it::derive::Log`"
    );
    assert_eq!(
        error(Handles::new().with("log", 7_u8)),
        "the handle \"log\" must be a `it::derive::Log`, not a `u8`"
    );
    assert_eq!(
        error(Handles::new().with("log", Log("a")).with("lgo", Log("b"))),
        "no field takes the handle \"lgo\"; there are \"log\""
    );
}

#[derive(Checkpoint, Debug, PartialEq)]
struct Connection {
    id: u8,
    #[checkpoint(external = "socket")]
    socket: u32,
}

#[test]
fn a_handle_for_many_fields_is_made_for_each() {
    let connections = vec![Connection { id: 1, socket: 0 }, Connection { id: 2, socket: 1 }];
    let image = to_vec(&connections).unwrap();
    let mut next = 0..;
    let handles = Handles::new().with_each("socket", move || next.next().unwrap_or(0_u32));
    let restored: Vec<Connection> = from_slice_with(&image, handles).unwrap();
    assert_eq!(restored, connections);
    let once = Handles::new().with("socket", 0_u32);
    let error = from_slice_with::<Vec<Connection>>(&image, once).unwrap_err().to_string();
    assert!(error.contains("the handle \"socket\" is missing"), "{error}");
}

#[derive(Checkpoint, Debug, PartialEq)]
struct Grid<T, const N: usize> {
    cells: [T; N],
    more: Vec<Option<T>>,
}

#[derive(Checkpoint, Debug, PartialEq)]
enum Tree<T> {
    Leaf(T),
    Fork(Box<Tree<T>>, Box<Tree<T>>),
}

#[test]
fn generic_types_come_back() {
    let grid =
        Grid { cells: [String::from("x"), String::new()], more: vec![None, Some("y".into())] };
    assert_eq!(from_slice::<Grid<String, 2>>(&to_vec(&grid).unwrap()).unwrap(), grid);
    let leaf = |n| Box::new(Tree::Leaf(n));
    let tree = Tree::Fork(Box::new(Tree::Fork(leaf(1_u8), leaf(2))), leaf(3));
    assert_eq!(from_slice::<Tree<u8>>(&to_vec(&tree).unwrap()).unwrap(), tree);
}

#[derive(Checkpoint, Debug, PartialEq)]
struct Branch(Vec<Branch>, Option<Box<Branch>>);

#[test]
fn recursion_may_start_at_a_container() {
    let branches = vec![Branch(vec![Branch(vec![], None)], None)];
    assert_eq!(from_slice::<Vec<Branch>>(&to_vec(&branches).unwrap()).unwrap(), branches);
    let boxed = Box::new(Branch(vec![], Some(Box::new(Branch(vec![], None)))));
    assert_eq!(from_slice::<Box<Branch>>(&to_vec(&boxed).unwrap()).unwrap(), boxed);
}

/// Types that are called as those that no image can hold, but can be saved.
mod called_so {
    use samestate::{Checkpoint, from_slice, to_vec};

    #[derive(Checkpoint, Debug, PartialEq, Clone)]
    struct Instant(u64);

    #[derive(Checkpoint, Debug, PartialEq, Clone)]
    struct Receiver<T> {
        waiting: Vec<T>,
    }

    #[derive(Checkpoint, Debug, PartialEq, Clone)]
    enum Child {
        None,
        Two(Box<Tree>, Box<Tree>),
    }

    #[derive(Checkpoint, Debug, PartialEq, Clone)]
    struct Tree {
        child: Child,
        #[checkpoint(volatile)]
        seen: Option<Instant>,
    }

    #[derive(Checkpoint, Debug, PartialEq, Clone)]
    struct Sim<T> {
        started: Instant,
        laps: Vec<(u8, Instant)>,
        inbox: Receiver<T>,
        bytes: Receiver<u8>,
        tree: Tree,
    }

    #[test]
    fn a_name_is_no_mistake() {
        let leaf = Tree { child: Child::None, seen: Some(Instant(3)) };
        let sim = Sim {
            started: Instant(1),
            laps: vec![(1, Instant(2))],
            inbox: Receiver { waiting: vec!["x".to_owned()] },
            bytes: Receiver { waiting: vec![1, 2] },
            tree: Tree { child: Child::Two(Box::new(leaf.clone()), Box::new(leaf)), seen: None },
        };
        assert_eq!(from_slice::<Sim<String>>(&to_vec(&sim).unwrap()).unwrap(), sim);
        let mut running = Sim { started: Instant(9), laps: vec![], ..sim.clone() };
        samestate::restore_in_place(
            &mut running,
            &to_vec(&sim).unwrap(),
            samestate::Handles::new(),
        )
        .unwrap();
        assert_eq!(running, sim);
    }
}
