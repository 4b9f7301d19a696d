use proptest::collection::vec;
use proptest::prelude::*;
use samestate_schema::path::{FieldPath, Step};

const WORD: &str = "[a-zA-Z_][a-zA-Z0-9_]{0,5}";

/// Type names as compilers print them.
fn type_name() -> impl Strategy<Value = String> {
    let path = || vec(WORD, 1..4).prop_map(|words| words.join("::"));
    let leaf = prop_oneof![
        path(),
        (path(), 0..9_u8).prop_map(|(path, n)| format!("{path}::{{closure#{n}}}")),
        (path(), 0..9_u8).prop_map(|(path, n)| format!("{path}::{{impl#{n}}}::f::Local")),
        Just(String::from("()")),
        Just(String::from("!")),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            (path(), vec(inner.clone(), 1..3))
                .prop_map(|(path, args)| format!("{path}<{}>", args.join(", "))),
            (inner.clone(), 0..99_u8).prop_map(|(ty, len)| format!("[{ty}; {len}]")),
            inner.clone().prop_map(|ty| format!("[{ty}]")),
            inner.clone().prop_map(|ty| format!("&[{ty}]")),
            inner.clone().prop_map(|ty| format!("&mut {ty}")),
            inner.clone().prop_map(|ty| format!("*const {ty}")),
            vec(inner.clone(), 2..4).prop_map(|types| format!("({})", types.join(", "))),
            (path(), inner.clone(), inner.clone())
                .prop_map(|(path, a, b)| format!("dyn {path}<Output = fn({a}) -> {b}>")),
            (inner.clone(), inner, WORD).prop_map(|(a, b, w)| format!("<{a} as {b}>::{w}")),
        ]
    })
}

fn step() -> impl Strategy<Value = Step> {
    let name = || "[a-z_][a-zA-Z0-9_]{0,6}|[a-zßü]{1,3}";
    prop_oneof![
        name().prop_map(Step::Field),
        any::<u32>().prop_map(Step::Tuple),
        "[A-Z][a-zA-Z0-9_]{0,6}".prop_map(Step::Variant),
        Just(Step::Elements),
        Just(Step::Keys),
        Just(Step::Values),
        type_name().prop_map(Step::Concrete),
        any::<u64>().prop_map(Step::Index),
        any::<String>().prop_map(Step::Entry),
        "[\\[\\]\"\\\\{}<>.:u]{0,9}".prop_map(Step::Entry),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn printing_and_parsing_are_inverse(root in type_name(), steps in vec(step(), 0..6)) {
        let path = FieldPath { root, steps };
        let text = path.to_string();
        prop_assert_eq!(text.parse::<FieldPath>(), Ok(path), "{}", text);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = text.parse::<FieldPath>();
    }

    #[test]
    fn text_of_brackets_is_parsed_or_refused(text in "[\\[\\]{}<>()\"\\\\:.a0 u-]{0,24}") {
        if let Ok(path) = text.parse::<FieldPath>() {
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }
    }
}

#[test]
fn a_type_name_and_its_steps_are_told_apart() {
    for (text, root, steps) in [
        ("app::G<u8, alloc::string::String>.v[]", "app::G<u8, alloc::string::String>", 2),
        ("[u8; 4][]", "[u8; 4]", 1),
        ("&[T][3]", "&[T]", 1),
        ("f::{closure#0}.0", "f::{closure#0}", 1),
        ("dyn a::T<Output = fn(u8) -> u8>{a::B}.n", "dyn a::T<Output = fn(u8) -> u8>", 2),
        ("<sim::Mode>::Off.every", "sim::Mode", 2),
        ("sim::Machine.cpu.regs[].flags", "sim::Machine", 4),
        ("sim::Machine.names[\"a.b\"][key]", "sim::Machine", 3),
    ] {
        let path: FieldPath = text.parse().unwrap();
        assert_eq!((&*path.root, path.steps.len()), (root, steps), "{text}");
        assert_eq!(path.to_string(), text);
    }
}

#[test]
fn what_is_no_path_is_refused_at_its_place() {
    for (text, offset) in [
        ("", 0),
        ("a.", 2),
        ("a.b]", 3),
        ("a.b[x]", 4),
        ("a.b[\"x]", 7),
        ("a.b{x", 3),
        ("<a", 0),
        ("a.b[99999999999999999999]", 4),
    ] {
        assert_eq!(text.parse::<FieldPath>().unwrap_err().offset, offset, "{text}");
    }
}
