//! The form in which images of the derive hold a type, which several types share.

use crate::names::{TypeExpr, last_segment};

/// The type by its form in images: boxes, cells and locks are what is in them, all sequences are one,
/// and so are all maps and all sets. Sources are the impls of `samestate` for the types of std.
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
                    | "Saturating" | "Reverse" | "NonZero" | "Atomic",
                    Some(inner),
                ) => form(inner),
                ("Vec" | "VecDeque" | "LinkedList" | "BinaryHeap", Some(inner)) => {
                    T::Slice(Box::new(form(inner)))
                }
                ("Rc" | "Arc", Some(inner)) => named("Rc", vec![form(inner)]),
                ("HashMap" | "BTreeMap", Some(key)) => {
                    let value = args.get(1).cloned().into_iter();
                    named("BTreeMap", all(std::iter::once(key).chain(value).collect()))
                }
                ("HashSet" | "BTreeSet", Some(key)) => named("BTreeSet", vec![form(key)]),
                (name, None) => named(&number(name), Vec::new()),
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

/// `AtomicU8` and `NonZeroU8` are a `u8`.
fn number(name: &str) -> String {
    let rest = ["Atomic", "NonZero"].iter().find_map(|word| name.strip_prefix(word));
    match rest.map(str::to_ascii_lowercase) {
        Some(number) if is_number(&number) => number,
        _ => last_segment(name).to_owned(),
    }
}

fn is_number(name: &str) -> bool {
    let bits = name.strip_prefix(['u', 'i']);
    name == "bool"
        || bits.is_some_and(|bits| ["8", "16", "32", "64", "128", "size"].contains(&bits))
}

#[cfg(test)]
mod tests {
    use super::form;
    use crate::names::TypeExpr;

    fn alike(a: &str, b: &str) -> bool {
        form(TypeExpr::parse(a)) == form(TypeExpr::parse(b))
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
        ] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }
}
