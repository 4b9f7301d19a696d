//! Behind each container, pointer and cell of std stands a leaf that must be reached by its exact
//! path, in every flavor of debug information.

use samestate_report::{Severity, Subject};

use crate::build::{Flavor, compile, cover};

/// Field, its type with `L` for the leaf, the path from the field to the leaf.
const CASES: &[(&str, &str, &str)] = &[
    ("plain", "L", ""),
    ("boxed", "Box<L>", ""),
    ("boxed_slice", "Box<[L]>", "[]"),
    ("vec", "Vec<L>", "[]"),
    ("deque", "std::collections::VecDeque<L>", "[]"),
    ("list", "std::collections::LinkedList<L>", "[]"),
    ("heap", "std::collections::BinaryHeap<L>", "[]"),
    ("btree_map", "std::collections::BTreeMap<u8, L>", "[value]"),
    ("btree_key", "std::collections::BTreeMap<L, u8>", "[key]"),
    ("btree_set", "std::collections::BTreeSet<L>", "[]"),
    ("hash_map", "std::collections::HashMap<u8, L>", "[value]"),
    ("hash_key", "std::collections::HashMap<L, u8>", "[key]"),
    ("hash_set", "std::collections::HashSet<L>", "[]"),
    ("option", "Option<L>", "::Some.0"),
    ("option_box", "Option<Box<L>>", "::Some.0"),
    ("result", "Result<u8, L>", "::Err.0"),
    ("rc", "std::rc::Rc<L>", ""),
    ("rc_slice", "std::rc::Rc<[L]>", "[]"),
    ("rc_weak", "std::rc::Weak<L>", ""),
    ("arc", "std::sync::Arc<L>", ""),
    ("arc_weak", "std::sync::Weak<L>", ""),
    ("cell", "std::cell::Cell<L>", ""),
    ("ref_cell", "std::rc::Rc<std::cell::RefCell<L>>", ""),
    ("once_cell", "std::cell::OnceCell<L>", ""),
    ("once_lock", "std::sync::OnceLock<L>", ""),
    ("lazy", "std::sync::LazyLock<L>", ""),
    ("mutex", "std::sync::Arc<std::sync::Mutex<L>>", ""),
    ("rw_lock", "std::sync::RwLock<L>", ""),
    ("manually", "std::mem::ManuallyDrop<L>", ""),
    ("maybe", "std::mem::MaybeUninit<L>", ""),
    ("wrapping", "std::num::Wrapping<L>", ""),
    ("pin", "std::pin::Pin<Box<L>>", ""),
    ("range", "std::ops::Range<L>", ""),
    ("cow", "std::borrow::Cow<'static, L>", "::Owned.0"),
    ("reference", "&'static L", ""),
    ("slice", "&'static [L]", "[]"),
    ("raw", "*const L", ""),
    ("non_null", "std::ptr::NonNull<L>", ""),
    ("tuple", "(u8, L)", ".1"),
    ("array", "[L; 3]", "[]"),
    ("grid", "[[L; 3]; 2]", "[][]"),
    (
        "nested",
        "Vec<Option<std::rc::Rc<std::collections::BTreeMap<u8, (u8, L)>>>>",
        "[]::Some.0[value].1",
    ),
    ("dynamic", "Box<dyn Trait<L>>", "{app::Holder<L>}.held"),
    ("shared_dynamic", "std::sync::Arc<dyn Trait<L> + Send + Sync>", "{app::Holder<L>}.held"),
    ("variant", "Mode<L>", "::Late.at"),
    ("wide", "Wide<L>", "::Far.0"),
    ("negative", "Negative<L>", "::Below.0"),
];

/// Types that hold nothing: no path may lead below them.
const LEAVES: &[&str] = &[
    "String",
    "&'static str",
    "Box<str>",
    "u128",
    "f64",
    "char",
    "()",
    "bool",
    "std::time::Duration",
    "std::time::Instant",
    "std::sync::atomic::AtomicU64",
    "std::num::NonZeroU32",
    "std::marker::PhantomData<Ghost>",
    "fn(Ghost) -> Ghost",
    "std::path::PathBuf",
    "std::net::Ipv4Addr",
    "Option<std::fs::File>",
    "std::cmp::Ordering",
    "[Ghost; 0]",
    "Option<std::thread::JoinHandle<Ghost>>",
    "Option<std::sync::mpsc::Sender<Ghost>>",
];

fn source() -> String {
    let mut text = String::from(
        "#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)] pub struct Ghost(u8);
        pub trait Trait<T> { fn get(&self) -> &T; }
        pub struct Holder<T> { held: T }
        impl<T> Trait<T> for Holder<T> { #[inline(never)] fn get(&self) -> &T { &self.held } }
        pub enum Mode<T> { Off, Late { at: T, n: u64 } }
        #[repr(u128)] pub enum Wide<T> { Near(u8) = 1, Far(T) = u128::MAX }
        #[repr(i8)] pub enum Negative<T> { Below(T) = -3, Above(u8) = 4 }
        pub struct Root {",
    );
    for (name, ty, _) in CASES {
        let ty = ty.replace("L>", &format!("{}>", leaf(name)));
        let ty = replace_leaf(&ty, &leaf(name));
        text += &format!("pub {name}: {ty},\n");
    }
    for (index, ty) in LEAVES.iter().enumerate() {
        text += &format!("pub leaf_{index:02}: {ty},\n");
    }
    text += "}\n";
    for (name, ..) in CASES {
        text += &format!(
            "#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)] pub struct {} {{ x: u8 }}\n",
            leaf(name)
        );
    }
    text += "fn main() { let root: Option<Root> = None;\n";
    for name in ["dynamic", "shared_dynamic"] {
        text += &format!(
            "let object: std::sync::Arc<dyn Trait<{0}> + Send + Sync> = std::sync::Arc::new(Holder {{ held: {0} {{ x: 1 }} }});
             println!(\"{{}}\", object.get().x);
             let object: Box<dyn Trait<{0}>> = Box::new(Holder {{ held: {0} {{ x: 1 }} }});
             println!(\"{{}}\", object.get().x);\n",
            leaf(name)
        );
    }
    text + "std::hint::black_box(&root); }\n"
}

fn leaf(name: &str) -> String {
    format!("Leaf_{name}")
}

/// `L` as a whole word.
fn replace_leaf(ty: &str, leaf: &str) -> String {
    let mut out = String::new();
    for (index, part) in ty.split('L').enumerate() {
        if index > 0 {
            let before = out.chars().last().is_some_and(|c| c.is_alphanumeric() || c == '_');
            let after = part.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            out += if before || after { "L" } else { leaf };
        }
        out += part;
    }
    out
}

#[test]
fn the_leaf_behind_each_container_is_reached_by_its_path() {
    let source = source();
    for flavor in Flavor::FULL {
        let report = cover(&compile(&source, flavor), &["app::Root"]);
        let paths: Vec<String> = report
            .findings
            .iter()
            .filter(|finding| finding.rule.id == "uncovered-field")
            .filter_map(|finding| match &finding.subject {
                Subject::Field(path) => Some(path.to_string()),
                _ => None,
            })
            .collect();
        for (name, _, way) in CASES {
            let way = way.replace("<L>", &format!("<app::{}>", leaf(name)));
            let expected = format!("app::Root.{name}{way}.x");
            assert!(paths.contains(&expected), "{flavor:?}: {expected} not in {paths:#?}");
        }
        for index in 0..LEAVES.len() {
            let below = format!("app::Root.leaf_{index:02}");
            let found = paths.iter().filter(|path| path.starts_with(&below));
            assert!(
                found.clone().all(|path| *path == below),
                "{flavor:?}: {:?}",
                found.collect::<Vec<_>>()
            );
        }
        assert!(!paths.iter().any(|path| path.contains("Ghost")), "{flavor:?}");
        let blind: Vec<_> =
            report.findings.iter().filter(|f| f.severity == Severity::Blind).collect();
        assert!(blind.is_empty(), "{flavor:?}: {blind:#?}");
    }
}
