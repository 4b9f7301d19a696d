//! The form in which images of the derive hold a type, which several types share.

use crate::names::{TypeExpr, last_segment};

/// The type by its form in images: boxes, cells and locks are what is in them, all sequences are one,
/// and so are all maps and all sets. Sources are the impls of `samestate` for the types of std. Heaps
/// and numbers that are never zero stay what they are: not every sequence or number is read as one.
pub(super) fn form(expr: TypeExpr) -> TypeExpr {
    use TypeExpr as T;
    let all = |items: Vec<T>| items.into_iter().map(form).collect::<Vec<_>>();
    let named = |name: &str, args: Vec<T>| T::Path { name: name.to_owned(), args };
    match expr {
        // Types of other crates are spelled with their paths.
        T::Path { name, args } if !name.contains("::") => {
            let is_text = matches!(&args[..], [T::Path { name, .. }] if name == "str");
            let mut first = args.first().cloned().into_iter();
            match (name.as_str(), first.next()) {
                ("Box" | "Rc" | "Arc" | "Cow", Some(_)) if is_text => named("String", Vec::new()),
                ("Cow", _) if args.len() > 1 => form(args[args.len() - 1].clone()),
                (
                    "Box" | "Pin" | "Cow" | "Cell" | "RefCell" | "Mutex" | "RwLock" | "Wrapping"
                    | "Saturating" | "Reverse" | "Atomic",
                    Some(inner),
                ) => form(inner),
                ("Vec" | "VecDeque" | "LinkedList", Some(inner)) => T::Slice(Box::new(form(inner))),
                ("Rc" | "Arc", Some(inner)) => named("Rc", vec![form(inner)]),
                ("HashMap" | "BTreeMap", Some(key)) => {
                    let value = args.get(1).cloned().into_iter();
                    named("BTreeMap", all(std::iter::once(key).chain(value).collect()))
                }
                ("HashSet" | "BTreeSet", Some(key)) => named("BTreeSet", vec![form(key)]),
                (name, None) => number(name),
                (name, Some(_)) => named(name, all(args)),
            }
        }
        T::Path { name, args } => T::Path { name, args: all(args) },
        T::Tuple(items) => T::Tuple(all(items)),
        T::Array(element, len) => T::Array(Box::new(form(*element)), len),
        T::Slice(element) => T::Slice(Box::new(form(*element))),
        other => other,
    }
}

/// The form of an old version as a new one reads it: a heap is a sequence, and a number that is never
/// zero is a number, unless the new form asks for more.
pub(super) fn read_as(old: TypeExpr, new: &TypeExpr) -> TypeExpr {
    use TypeExpr as T;
    let is_named = |expr: &T, word: &str| matches!(expr, T::Path { name, .. } if name == word);
    let all = |old: Vec<T>, new: &[T]| -> Vec<T> {
        let other = T::Tuple(Vec::new());
        let new = new.iter().chain(std::iter::repeat(&other));
        old.into_iter().zip(new).map(|(old, new)| read_as(old, new)).collect()
    };
    match (old, new) {
        (T::Path { name, mut args }, new)
            if args.len() == 1
                && (name == "NonZero" || name == "BinaryHeap")
                && !is_named(new, &name) =>
        {
            let inner = args.remove(0);
            let whole = if name == "NonZero" { inner } else { T::Slice(Box::new(inner)) };
            read_as(whole, new)
        }
        (T::Path { name, args }, T::Path { args: new, .. }) => {
            T::Path { name, args: all(args, new) }
        }
        (T::Tuple(old), T::Tuple(new)) => T::Tuple(all(old, new)),
        (T::Array(old, len), T::Array(new, _)) => T::Array(Box::new(read_as(*old, new)), len),
        (T::Slice(old), T::Slice(new)) => T::Slice(Box::new(read_as(*old, new))),
        (old, _) => old,
    }
}

/// `AtomicU8` is a `u8`, and `NonZeroU8` a `NonZero<u8>`.
fn number(name: &str) -> TypeExpr {
    let named = |name: &str, args: Vec<TypeExpr>| TypeExpr::Path { name: name.to_owned(), args };
    let after = |word: &str| {
        name.strip_prefix(word).map(str::to_ascii_lowercase).filter(|name| is_number(name))
    };
    match (after("Atomic"), after("NonZero")) {
        (Some(number), _) => named(&number, Vec::new()),
        (None, Some(number)) => named("NonZero", vec![named(&number, Vec::new())]),
        (None, None) => named(last_segment(name), Vec::new()),
    }
}

fn is_number(name: &str) -> bool {
    let bits = name.strip_prefix(['u', 'i']);
    name == "bool"
        || bits.is_some_and(|bits| ["8", "16", "32", "64", "128", "size"].contains(&bits))
}

#[cfg(test)]
mod tests {
    use super::{form, read_as};
    use crate::names::TypeExpr;

    fn alike(a: &str, b: &str) -> bool {
        let new = form(TypeExpr::parse(b));
        read_as(form(TypeExpr::parse(a)), &new) == new
    }

    #[test]
    fn images_do_not_know_containers_of_one_kind_apart() {
        for (a, b) in [
            ("Vec<app::A>", "VecDeque<app::A>"),
            ("Box<app::A>", "app::A"),
            ("Box<[u8]>", "Vec<u8>"),
            ("HashMap<u8, Box<app::A>>", "BTreeMap<u8, app::A>"),
            ("HashSet<u8>", "BTreeSet<u8>"),
            ("Rc<app::A>", "Arc<app::A>"),
            ("Box<str>", "String"),
            ("Option<Cell<u8>>", "Option<u8>"),
            ("AtomicU32", "u32"),
            ("NonZero<u16>", "u16"),
            ("NonZeroU16", "NonZero<u16>"),
            ("BinaryHeap<app::A>", "Vec<app::A>"),
            ("BinaryHeap<Box<u8>>", "BinaryHeap<u8>"),
            ("Option<(NonZero<u16>, BinaryHeap<NonZero<u8>>)>", "Option<(NonZero<u16>, Vec<u8>)>"),
            ("(Wrapping<u8>, [Mutex<u8>; 2])", "(u8, [u8; 2])"),
        ] {
            assert!(alike(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("Vec<u8>", "Vec<u16>"),
            ("Vec<u8>", "HashSet<u8>"),
            ("Rc<app::A>", "app::A"),
            ("Option<u8>", "u8"),
            ("[u8; 2]", "[u8; 4]"),
            ("[u8; 2]", "Vec<u8>"),
            ("usize", "u64"),
            ("app::Box<u8>", "u8"),
            ("AtomicU32", "u16"),
            // A zero is refused, and so is what is not in the order of a heap.
            ("u16", "NonZero<u16>"),
            ("AtomicU16", "NonZeroU16"),
            ("Vec<app::A>", "BinaryHeap<app::A>"),
            ("Option<VecDeque<u8>>", "Option<BinaryHeap<u8>>"),
        ] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }
}
