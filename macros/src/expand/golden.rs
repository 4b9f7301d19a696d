//! The expansion itself, for one item of each kind. `UPDATE_EXPECT=1 cargo test` accepts a change.

use expect_test::{ExpectFile, expect_file};
use quote::quote;

use super::derive;

fn check(item: proc_macro2::TokenStream, expected: ExpectFile) {
    let file = syn::parse2(derive(item)).unwrap();
    // The record's bytes have their own tests, and positions are those of this file.
    let text = prettyplease::unparse(&file);
    let lines = text.lines().map(|line| match line.find("b\"") {
        Some(at) if line.contains("const __SAMESTATE_BODY") => format!("{}b\"…\";\n", &line[..at]),
        _ => format!("{line}\n"),
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn structure() {
    let item = quote! {
        #[checkpoint(root, version = 3, name = "Engine")]
        struct Machine {
            cpu: Cpu,
            #[checkpoint(skip(default), reason = "filled on first use")]
            cache: Cache,
            #[checkpoint(skip(value = 7), reason = "set at start")]
            seven: u8,
            #[checkpoint(rebuild = Self::second, needs(first))]
            second: u8,
            #[checkpoint(rebuild = first, needs(cpu, seven))]
            first: u8,
            #[checkpoint(external = "log")]
            log: Log,
        }
    };
    check(item, expect_file!["golden/structure.expected.rs"]);
}

#[test]
fn fields() {
    let item = quote! {
        #[checkpoint(version = 2)]
        struct Fields<T> {
            #[checkpoint(with = crate::codec)]
            foreign: Foreign,
            #[checkpoint(volatile)]
            uptime: T,
            #[checkpoint(volatile, with = codec, since = 2, default = Foreign::new())]
            both: Foreign,
            #[checkpoint(try_from(u8, wide))]
            last: u16,
        }
    };
    check(item, expect_file!["golden/fields.expected.rs"]);
}

#[test]
fn hooks() {
    let item = quote! {
        #[checkpoint(before_save = check, after_save = Self::saved, before_restore = ready)]
        #[checkpoint(after_restore = Self::fix, restore_failed = Self::failed)]
        #[checkpoint(version = 2, migrate(Old, with = Self::from_old))]
        struct Device(u8);
    };
    check(item, expect_file!["golden/hooks.expected.rs"]);
}

#[test]
fn hooks_in_place() {
    let item = quote! {
        #[checkpoint(before_restore = Self::ready)]
        enum Device {
            On(#[checkpoint(skip(keep), reason = "a setting")] u8),
            Off,
        }
    };
    check(item, expect_file!["golden/hooks_in_place.expected.rs"]);
}

#[test]
fn history() {
    let item = quote! {
        #[checkpoint(version = 3, was = "Old", removed("gone", "On.level"))]
        enum Kind {
            #[checkpoint(id = 7, since = 2, was = "Before")]
            Off,
            On {
                #[checkpoint(since = 3, default = 7)]
                late: u8,
                #[checkpoint(was = "x", was = "y", from(f32, f64::from))]
                renamed: f64,
            },
        }
    };
    check(item, expect_file!["golden/history.expected.rs"]);
}

#[test]
fn fixed() {
    let item = quote! {
        struct Body<T> {
            place: [f64; 3],
            tag: T,
        }
    };
    check(item, expect_file!["golden/fixed.expected.rs"]);
}

#[test]
fn modes() {
    let item = quote! {
        enum Mode {
            Off,
            On,
        }
    };
    check(item, expect_file!["golden/modes.expected.rs"]);
}

#[test]
fn enumeration() {
    let item = quote! {
        enum Tree<T, const N: usize> where T: Clone {
            Empty,
            Leaf([T; N], #[checkpoint(skip(default), reason = "a cache")] Option<T>),
            Fork { children: Vec<Tree<T, N>>, r#type: u8 },
        }
    };
    check(item, expect_file!["golden/enumeration.expected.rs"]);
}

#[test]
fn manual() {
    let item = quote! {
        #[checkpoint(manual, crate = crate::samestate)]
        struct Rng {
            state: u64,
            #[checkpoint(skip(default), reason = "statistics")]
            draws: u64,
        }
    };
    check(item, expect_file!["golden/manual.expected.rs"]);
}

#[test]
fn manual_enum() {
    let item = quote! {
        #[checkpoint(manual)]
        enum Job<T: Ord> where T: Send {
            Idle,
            Running {
                queue: BinaryHeap<T>,
                #[checkpoint(skip(default), reason = "statistics")]
                last: Option<T>,
            },
            Failed(#[checkpoint(skip(value = 0), reason = "told already")] u8, String),
        }
    };
    check(item, expect_file!["golden/manual_enum.expected.rs"]);
}

#[test]
fn mistaken() {
    let item = quote! {
        struct Rng {
            #[checkpoint(skip)]
            state: u64,
        }
    };
    check(item, expect_file!["golden/mistaken.expected.rs"]);
}

#[test]
fn implements() {
    let item = quote! {
        #[checkpoint(implements(dyn Device, "uart"))]
        struct Uart;
    };
    check(item, expect_file!["golden/implements.expected.rs"]);
}
