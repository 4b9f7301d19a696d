//! By what images know types, variants and implementers, and what was told of earlier versions: each
//! change, and its silent twin.

use samestate_report::ExitCode;

use crate::changes::{compared, found, part, plan, rooted};

/// Two locks of a root with one field of type `sim::Part`, of which these are the bodies.
fn parts(name: &str, old: &str, new: &str) -> samestate_report::Report {
    let lock = |body: &str| rooted("sim::Part", &format!("struct sim::Part {{\n{body}\n}}\n"));
    compared(name, &lock(old), &lock(new))
}

#[test]
fn types_that_images_hold_alike() {
    for (was, is) in [
        ("Vec<u8>", "VecDeque<u8>"),
        ("Box<sim::Other>", "sim::Other"),
        ("HashMap<u8, u16>", "BTreeMap<u8, u16>"),
        ("Arc<u8>", "Rc<u8>"),
        ("Option<Box<[u8]>>", "Option<Vec<u8>>"),
        ("AtomicU32", "u32"),
    ] {
        let of_derive = |ty: &str| format!("version 1\nsaved a: {ty}");
        let report = parts("alike", &of_derive(was), &of_derive(is));
        assert_eq!(found(&report), ["note field-type-changed sim::Vm.part.a"], "{was} {is}");
        assert_eq!(plan(&report), [""; 0], "{was} {is}");
        assert_eq!(report.exit_code(), ExitCode::Clean);
        // What code written by hand makes of either is not known.
        let by_hand = |ty: &str| format!("saved a: {ty}");
        let report = parts("alike-by-hand", &by_hand(was), &by_hand(is));
        assert_eq!(found(&report), ["error field-type-changed sim::Vm.part.a"], "{was} {is}");
    }
    for (was, is) in [
        ("Vec<u8>", "VecDeque<u16>"),
        ("Arc<u8>", "u8"),
        ("Box<u8>", "u16"),
        ("Vec<u8>", "HashSet<u8>"),
        ("u64", "usize"),
        ("Vec<u8>", "BinaryHeap<u8>"),
        ("u8", "NonZero<u8>"),
    ] {
        let of_derive = |ty: &str| format!("version 1\nsaved a: {ty}");
        let report = parts("unlike", &of_derive(was), &of_derive(is));
        let expected =
            ["error version-not-bumped sim::Vm.part", "error field-type-changed sim::Vm.part.a"];
        assert_eq!(found(&report), expected, "{was} {is}");
    }
}

#[test]
fn a_name_that_is_given_for_images() {
    let renamed = "error type-renamed sim::Vm.part";
    for (name, old, new, expected) in [
        ("name-same", "- name A", "- name A", &[][..]),
        ("name-given", "", "- name Part", &[]),
        ("name-changed", "- name A", "- name B", &[renamed]),
        ("name-taken", "", "- name B", &[renamed]),
        ("name-left", "- name A", "", &[renamed]),
        ("name-told", "- name A", "- name B\n- was A", &["note type-renamed sim::Vm.part"]),
    ] {
        let body = |told: &str| format!("version 1\n{told}\nsaved a: u8");
        assert_eq!(found(&parts(name, &body(old), &body(new))), expected, "{name}");
    }
}

#[test]
fn types_of_code_without_the_derive_have_no_names_in_images() {
    let struct_of = |name: &str, field: &str| format!("struct {name} {{\n{field}\n}}\n");
    let old = rooted("Vec<sim::Part>", &struct_of("sim::Part", "saved a: u8\nsaved b: u8"));
    let new = |field: &str| rooted("Vec<sim::Piece>", &struct_of("sim::Piece", field));
    let report = compared("bare-name", &old, &new("saved a: u8\nsaved b: u8"));
    assert_eq!(found(&report), ["note type-renamed sim::Vm.part[]"]);
    assert_eq!(report.exit_code(), ExitCode::Clean);
    // What changed below the new name is found.
    let report = compared("bare-name-changed", &old, &new("saved a: u8\nsaved b: u16"));
    let expected =
        ["note type-renamed sim::Vm.part[]", "error field-type-changed sim::Vm.part[].b"];
    assert_eq!(found(&report), expected);
}

#[test]
fn ids_of_variants() {
    let lock = |version: u32, variants: &str| {
        rooted("sim::Mode", &format!("enum sim::Mode {{\nversion {version}\n{variants}\n}}\n"))
    };
    for (name, old, new, expected) in [
        ("id-same", "variant A\n- id 7\nvariant B", "variant B\nvariant A\n- id 7", &[][..]),
        ("id-given", "variant A\nvariant B", "variant A\n- id 7\nvariant B", &[]),
        (
            "id-changed",
            "variant A\n- id 7\nvariant B",
            "variant A\n- id 8\nvariant B",
            &["error variant-changed sim::Vm.part::A"],
        ),
        (
            "id-taken-away",
            "variant A\n- id 7\nvariant B",
            "variant A\nvariant B",
            &["error variant-changed sim::Vm.part::A"],
        ),
        (
            "ids-swapped",
            "variant A\n- id 1\nvariant B\n- id 2",
            "variant A\n- id 2\nvariant B\n- id 1",
            // Both are still known; they have each other's names.
            &["note variant-renamed sim::Vm.part::A", "note variant-renamed sim::Vm.part::B"],
        ),
    ] {
        let report = compared(name, &lock(1, old), &lock(2, new));
        let mut lines = found(&report);
        lines.sort();
        assert_eq!(lines, expected, "{name}");
    }
}

/// A root with a `dyn sim::Dev`, and these types behind it.
fn devices(types: &[(&str, &str)]) -> String {
    let list: String = types.iter().map(|(name, _)| format!("  impl {name}\n")).collect();
    let types: Vec<_> = types.iter().map(|(name, lines)| part(name, lines)).collect();
    rooted("Box<dyn sim::Dev>", &format!("dyn sim::Dev {{\n{list}}}\n\n{}", types.join("\n")))
}

#[test]
fn names_by_which_implementers_are_registered() {
    let timer = |name: &str| format!("- implements dyn Dev = {name}\nsaved n: u8");
    let (as_timer, as_clock) = (timer("timer"), timer("clock"));
    let old = devices(&[("sim::Timer", &as_timer)]);
    for (name, new, expected) in [
        ("registered-same", devices(&[("sim::Timer", &as_timer)]), &[][..]),
        (
            "registered-anew",
            devices(&[("sim::Timer", &as_clock)]),
            &["error implementer-renamed sim::Vm.part{sim::Timer}"],
        ),
        (
            "registered-no-more",
            devices(&[("sim::Timer", "saved n: u8")]),
            &["error implementer-renamed sim::Vm.part{sim::Timer}"],
        ),
        (
            // Another type took the name over and reads the older images.
            "registered-by-another",
            devices(&[("sim::OldTimer", &as_timer), ("sim::Timer", &as_clock)]),
            &["note implementer-added sim::Vm.part{sim::OldTimer}"],
        ),
    ] {
        let report = compared(name, &old, &new);
        assert_eq!(found(&report), expected, "{name}");
        let help = report.findings.iter().filter(|f| f.severity.word() == "error");
        for finding in help {
            let help = finding.help.as_deref().unwrap();
            assert!(help.contains("implements(dyn sim::Dev, \"timer\")"), "{help}");
        }
    }
}

#[test]
fn implementers_with_other_names_that_nothing_registers() {
    let bare = |name: &str, lines: &str| {
        let block = format!("struct {name} {{\n{lines}\n}}\n");
        rooted("Box<dyn sim::Dev>", &format!("dyn sim::Dev {{\n  impl {name}\n}}\n\n{block}"))
    };
    let old = bare("sim::Timer", "saved n: u8\nsaved m: u8");
    let report = compared("bare-same", &old, &old);
    assert_eq!(found(&report), [""; 0]);
    // It may be known by its name, or by a number.
    let report = compared("bare-renamed", &old, &bare("sim::Clock", "saved n: u8\nsaved m: u8"));
    assert_eq!(found(&report), ["warning type-renamed sim::Vm.part{sim::Clock}"]);
    // Another type altogether.
    let report = compared("bare-other", &old, &bare("sim::Uart", "saved x: u8\nsaved y: u8"));
    let expected = [
        "warning implementer-removed sim::Vm.part{sim::Timer}",
        "note implementer-added sim::Vm.part{sim::Uart}",
    ];
    let mut lines = found(&report);
    lines.sort_by_key(|line| !line.contains("removed"));
    assert_eq!(lines, expected);
}

#[test]
fn what_was_told_of_earlier_versions() {
    let told = "- removed gone\n- was Old\n- migrate PartV1\nsaved a: u8\n- since 2\n- default\n- was b\n\
                - from u16";
    let old = format!("version 3\n{told}");
    for (name, new) in
        [("kept", format!("version 3\n{told}")), ("kept-on", format!("version 4\n{told}"))]
    {
        assert_eq!(found(&parts(name, &old, &new)), [""; 0], "{name}");
    }
    for (name, gone, line) in [
        ("drop-removed", "- removed gone\n", "gone: `removed` of `gone`"),
        ("drop-was", "- was Old\n", "gone: `was` of `Old`"),
        ("drop-migrate", "- migrate PartV1\n", "gone: `migrate` of `PartV1`"),
        ("drop-since", "- since 2\n", "gone: `since` and `default` on `a`"),
        ("drop-field-was", "\n- was b", "gone: `was` of `b` on `a`"),
        ("drop-from", "\n- from u16", "gone: `from` of `u16` on `a`"),
    ] {
        assert!(old.contains(gone), "{name}");
        let report = parts(name, &old, &old.replace(gone, ""));
        assert_eq!(found(&report), ["warning history-dropped sim::Vm.part"], "{name}");
        assert_eq!(report.findings[0].details, [line], "{name}");
        assert_eq!(report.exit_code(), ExitCode::Clean);
    }
    // A field that came back needs no word about its having gone.
    let back = "version 4\n- was Old\n- migrate PartV1\nsaved a: u8\n- since 2\n- default\n- was b\n\
                - from u16\nsaved gone: u8\n- since 4\n- default";
    assert_eq!(found(&parts("back", &old, back)), ["note field-added sim::Vm.part.gone"]);
}

#[test]
fn a_conversion_of_an_earlier_form_is_none_of_the_last_one() {
    let old = "version 2\n- migrate PartV1\nsaved a: u8\nsaved b: u8";
    let new = |told: &str, fields: &str| format!("version 3\n- migrate PartV1{told}\n{fields}");
    for (name, fields, rule) in [
        ("added", "saved a: u8\nsaved b: u8\nsaved z: u8", "field-added sim::Vm.part.z"),
        ("removed", "saved a: u8", "field-removed sim::Vm.part.b"),
        ("retyped", "saved a: u8\nsaved b: u16", "field-type-changed sim::Vm.part.b"),
    ] {
        let report = parts(&format!("{name}-migrated-before"), old, &new("", fields));
        assert_eq!(found(&report), [format!("error {rule}")], "{name}");
        let report = parts(&format!("{name}-migrated"), old, &new("\n- migrate PartV2", fields));
        assert_eq!(found(&report), [format!("note {rule}")], "{name}");
    }
}
