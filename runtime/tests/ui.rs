//! Every mistake has its message, and all mistakes of one item are told together.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    if cfg!(feature = "serde") {
        cases.compile_fail("tests/ui_serde/*.rs");
    } else {
        cases.compile_fail("tests/ui_without/*.rs");
    }
}
