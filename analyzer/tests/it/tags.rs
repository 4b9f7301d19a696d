//! C and C++ with the tags of `include/samestate.h`: each thing that a tag says, with a field that
//! is missing and a twin where it is not.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_analyzer::{CoverageConfig, Statics, coverage};
use samestate_report::{ExitCode, Report};

use crate::build::{has, lines, skipped};

/// The program made of these files; `None` if the compiler is not here.
pub(crate) fn build(compiler: &str, files: &[(&str, &str)], args: &[&str]) -> Option<PathBuf> {
    if !has(compiler) {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (compiler, files, args).hash(&mut hasher);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c-{:016x}", hasher.finish()));
    std::fs::create_dir_all(&dir).unwrap();
    for (name, text) in files {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let sources = files.iter().map(|(name, _)| *name).filter(|name| !name.ends_with(".h"));
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let output = Command::new(compiler)
        .current_dir(&dir)
        .arg("-I")
        .arg(include)
        .args(["-Wall", "-Wextra", "-Werror", "-oapp"])
        .args(args)
        .args(sources)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(dir.join("app"))
}

fn report(binary: &Path, roots: &[&str]) -> Report {
    let config = CoverageConfig {
        binary: binary.to_owned(),
        roots: roots.iter().map(ToString::to_string).collect(),
        statics: Statics::None,
        ..CoverageConfig::default()
    };
    coverage(&config).unwrap()
}

/// A program of one file in C: these definitions, and a variable of type `root`.
fn c(definitions: &str) -> String {
    format!(
        "#include <samestate.h>
#include <stddef.h>
#include <stdint.h>
{definitions}
struct root root;
int main(void) {{ return ((char *)&root)[0]; }}
"
    )
}

fn sorted(report: &Report) -> Vec<String> {
    let mut lines = lines(report);
    lines.sort_by_key(|line| (line.starts_with("no-root"), line.clone()));
    lines
}

/// The report of these definitions in C, which must have these findings.
#[track_caller]
pub(crate) fn check(definitions: &str, expected: &[&str]) -> Option<Report> {
    let binary = build("clang", &[("main.c", &c(definitions))], &["-g"])?;
    let report = report(&binary, &[]);
    assert_eq!(sorted(&report), expected, "{definitions}\n{report:#?}");
    Some(report)
}

/// A process and its memory, as a kernel has them; `{0}` stands before the name of the root.
const TASK: &str = "
struct vm_area {
    unsigned long start __cr;
    unsigned long end __cr;
    struct vm_area *next __cr;
};
struct mm_struct {
    struct vm_area *mmap __cr;
    unsigned long brk __cr;
    unsigned long start_stack;
    int users __cr_skip(\"counted again while tasks are made\");
};
struct task_struct {
    int pid __cr;
    struct mm_struct *mm __cr;
    unsigned long utime;
    char comm[16] __cr;
};
";

fn task(text: &str) -> String {
    format!(
        "#include <samestate.h>
{text}
struct task_struct init_task;
int main(void) {{ return init_task.pid; }}
"
    )
}

#[test]
fn marked_structs_without_a_root_are_reached_by_none() {
    let Some(binary) = build("clang", &[("task.c", &task(TASK))], &["-g"]) else { return };
    let missing = report(&binary, &[]);
    assert_eq!(
        lines(&missing),
        [
            "no-root-reaches mm_struct",
            "no-root-reaches task_struct",
            "no-root-reaches vm_area",
            "no-roots .",
        ]
        .map(|line| line.replace(" .", &format!(" {}", binary.display()))),
        "{missing:#?}"
    );
    assert_eq!(missing.exit_code(), ExitCode::CouldNotCheck);

    // With the root, the fields that are missing are found by name and place.
    let rooted = TASK.replace("struct task_struct {", "struct __cr_root task_struct {");
    let binary = build("clang", &[("task.c", &task(&rooted))], &["-g"]).unwrap();
    let found = report(&binary, &[]);
    assert_eq!(
        lines(&found),
        ["uncovered-field task_struct.mm.start_stack", "uncovered-field task_struct.utime",]
    );
    assert_eq!(found.exit_code(), ExitCode::Findings);
    let place = found.findings[0].place.clone().unwrap();
    assert!(place.file.ends_with("task.c") && place.line == 11, "{place:?}");
    assert_eq!(place.text.as_deref(), Some("    unsigned long start_stack;"));
    assert_eq!(lines(&report(&binary, &["task_struct"])), lines(&found));

    // Another root leads to neither.
    let other =
        format!("{TASK}struct __cr_root clock {{ long now __cr; }};\nstruct clock clock;\n");
    let binary = build("clang", &[("task.c", &task(&other))], &["-g"]).unwrap();
    assert_eq!(
        lines(&report(&binary, &[])),
        ["no-root-reaches mm_struct", "no-root-reaches task_struct", "no-root-reaches vm_area"]
    );

    // All fields marked: nothing to say.
    let whole =
        rooted.replace("start_stack;", "start_stack __cr;").replace("utime;", "utime __cr;");
    for args in [&["-g"][..], &["-g", "-O2", "-gdwarf-4"], &["-g", "-flto=thin", "-fuse-ld=lld"]] {
        let lto = args.iter().any(|arg| arg.contains("lto"));
        if lto && Command::new("ld.lld").arg("--version").output().is_err() {
            skipped("ld.lld not found");
            continue;
        }
        let binary = build("clang", &[("task.c", &task(&whole))], args).unwrap();
        let clean = report(&binary, &[]);
        assert_eq!(lines(&clean), [""; 0], "{clean:#?}");
        assert_eq!(clean.exit_code(), ExitCode::Clean);
    }
}

#[test]
fn every_shape_of_a_field_is_judged() {
    for (field, untagged) in [
        ("int x", "uncovered-field root.x"),
        ("unsigned x : 3", "uncovered-field root.x"),
        ("const volatile long x", "uncovered-field root.x"),
        ("int x[4][2]", "uncovered-field root.x"),
        ("enum { ON, OFF } x", "uncovered-field root.x"),
        ("struct { int y; } x", "uncovered-field root.x"),
        ("union { int y; float z; } x", "uncovered-field root.x"),
        ("struct plain x", "uncovered-field root.x"),
        ("struct plain *x", "uncovered-field root.x"),
        ("plain_t x[2]", "uncovered-field root.x"),
        ("char *x", "uncovered-field root.x"),
    ] {
        let with = |tag: &str| {
            format!(
                "struct plain {{ int a; float b; }}; typedef struct {{ int c; }} plain_t;
                struct unused {{ struct plain a; plain_t b; }}; struct unused unused;
                struct __cr_root root {{ long first __cr; {field} {tag}; }};"
            )
        };
        if check(&with("__cr"), &[]).is_none() {
            return;
        }
        check(&with(""), &[untagged]);
        let skipped = check(&with("__cr_skip(\"made again\")"), &[]).unwrap();
        let fields = skipped.tables.iter().flat_map(|table| &table.rows);
        assert!(fields.clone().any(|row| row[0] == "skipped" && row[2] == "1"), "{skipped:#?}");
    }
}

#[test]
fn an_address_of_a_function_and_an_open_file_are_saved_by_no_tag() {
    let with = |field: &str, tag: &str| {
        format!(
            "#include <dirent.h>\n#include <stdio.h>\n
            typedef void (*handler_t)(int); struct vm {{ int state __cr; }};
            struct __cr_root root {{ long first __cr; {field} {tag}; }};"
        )
    };
    for (field, name) in [
        ("void (*on_irq)(int)", "on_irq"),
        ("handler_t on_irq", "on_irq"),
        ("const handler_t table[4]", "table"),
        ("int (**hooks)(void)", "hooks"),
    ] {
        let expected = format!("uncovered-field root.{name}");
        let Some(report) = check(&with(field, "__cr"), &[&expected]) else { return };
        let details = report.findings[0].details.join(" ");
        assert!(details.contains("means nothing to another process"), "{details}");
        check(&with(field, "__cr_skip(\"told by `state`\")"), &[]);
    }
    for field in ["FILE *log", "DIR *log"] {
        let report = check(&with(field, "__cr"), &["host-resource root.log"]).unwrap();
        let help = report.findings[0].help.clone().unwrap_or_default();
        assert!(help.contains("__cr_skip(\"why\")") && !help.contains("Checkpoint"), "{help}");
        check(&with(field, "__cr_skip(\"opened again\")"), &[]);
    }
    // A pointer to data is none of these.
    check(&with("struct vm *vm", "__cr"), &[]);
}

#[test]
fn members_without_names_belong_to_their_struct() {
    let with = |a: &str, b: &str, c: &str| {
        format!(
            "struct __cr_root root {{ long first __cr; union {{ int a {a}; float b {b}; }};
            struct {{ int c {c}; struct {{ int d __cr; }}; }}; }};"
        )
    };
    if check(&with("__cr", "__cr", "__cr"), &[]).is_none() {
        return;
    }
    check(&with("__cr", "", ""), &["uncovered-field root.b", "uncovered-field root.c"]);
    check(
        "struct __cr_root root { long first __cr; union { int a; float b; }; int last __cr; };",
        &["uncovered-field root.a", "uncovered-field root.b"],
    );
    check("struct __cr_root root { union { int a; struct { int b, c; }; } __cr; };", &[]);
}

#[test]
fn types_without_names_are_not_taken_for_one() {
    let with = |tag: &str| {
        format!(
            "struct __cr_root root {{
                struct {{ int *p __cr; int same; }} one __cr;
                struct {{ long *p __cr; int same {tag}; }} two __cr;
            }};"
        )
    };
    if check(&with("__cr"), &["uncovered-field root.one.same"]).is_none() {
        return;
    }
    check(&with(""), &["uncovered-field root.one.same", "uncovered-field root.two.same"]);
    // What a typedef names can be a root.
    let text =
        "typedef struct __cr_root { int a; int b __cr; } state_t; struct root { state_t s; };";
    check(text, &["uncovered-field state_t.a"]);
}

#[test]
fn a_type_without_tags_is_saved_whole_only_if_nothing_in_it_points_elsewhere() {
    let with = |fields: &str| {
        format!(
            "struct item {{ {fields} }};
            struct __cr_root root {{ struct item one __cr; struct item *more __cr_len(n); size_t n __cr; }};"
        )
    };
    if check(&with("int a; struct { float b[4]; } c;"), &[]).is_none() {
        return;
    }
    check(
        &with("int a; struct item *next;"),
        &["uncovered-field root.one.a", "uncovered-field root.one.next"],
    );
    check(&with("int a; int b __cr;"), &["uncovered-field root.one.a"]);
}

const LIST: &str = "struct list { struct list *next, *prev; };
struct timer { long when __cr; struct list link; int *owner TIMER; };
struct __cr_root root { struct list timers HEAD; };
struct timer timer;";

#[test]
fn a_list_leads_to_its_elements_by_their_link() {
    let with = |head: &str, timer: &str| LIST.replace("HEAD", head).replace("TIMER", timer);
    if check(&with("__cr_list(struct timer, link)", "__cr"), &[]).is_none() {
        return;
    }
    check(&with("__cr_list(struct timer, link)", ""), &["uncovered-field root.timers[].owner"]);
    check(&with("", "__cr"), &["uncovered-field root.timers", "no-root-reaches timer"]);
    // Without the tag nobody knows what hangs from the head.
    check(
        &with("__cr", "__cr"),
        &[
            "uncovered-field root.timers.next",
            "uncovered-field root.timers.prev",
            "no-root-reaches timer",
        ],
    );
    let unseen = ["cannot-see root", "no-root-reaches timer"];
    let lost = check(&with("__cr_list(struct timer, node)", "__cr"), &unseen);
    assert!(lost.unwrap().findings.iter().any(|found| found.message.contains("`node`")));
    check(&with("__cr_list(struct nobody, link)", "__cr"), &unseen);
}

#[test]
fn a_length_makes_a_pointer_an_array() {
    let with = |tag: &str, n: &str, item: &str| {
        format!(
            "struct item {{ int a {item}; int *b __cr; }};
            struct __cr_root root {{ struct item *items {tag}; unsigned char *bytes {tag}; size_t n {n}; }};"
        )
    };
    if check(&with("__cr_len(n)", "__cr", "__cr"), &[]).is_none() {
        return;
    }
    check(&with("__cr_len(n)", "__cr", ""), &["uncovered-field root.items[].a"]);
    check(&with("__cr_len(n)", "", "__cr"), &["uncovered-field root.n"]);
    // Bytes without a length are not seen.
    let bytes = check(&with("__cr", "__cr", "__cr"), &["opaque-pointer root.bytes"]).unwrap();
    assert_eq!(bytes.exit_code(), ExitCode::CouldNotCheck);
    let help = bytes.findings[0].help.clone().unwrap_or_default();
    assert!(help.contains("`__cr_len(field)`") && !help.contains("derive"), "{help}");
    let wrong = check(&with("__cr_len(m)", "__cr", "__cr"), &["cannot-see root"]).unwrap();
    assert!(wrong.findings[0].message.contains("`m`"), "{wrong:#?}");
    assert_eq!(wrong.exit_code(), ExitCode::CouldNotCheck);
}

#[test]
fn a_pointer_without_a_type_leads_to_the_type_that_its_tag_names() {
    let with = |tag: &str, item: &str| {
        format!(
            "struct item {{ int a {item}; int *b __cr; }}; struct item item;
            typedef struct item item_t; item_t *other;
            struct __cr_root root {{ void *it {tag}; const void *const many[4] {tag}; }};"
        )
    };
    for name in ["struct item", "item_t"] {
        let tag = format!("__cr_as({name})");
        if check(&with(&tag, "__cr"), &[]).is_none() {
            return;
        }
        check(&with(&tag, ""), &["uncovered-field root.it.a"]);
    }
    check(
        &with("__cr", "__cr"),
        &["opaque-pointer root.it", "opaque-pointer root.many[]", "no-root-reaches item"],
    );
    // A decision with a reason is one as well.
    check(&with("__cr_skip(\"made again\")", "__cr"), &["no-root-reaches item"]);
    check(&with("__cr_as(struct nobody)", "__cr"), &["cannot-see root", "no-root-reaches item"]);
}

#[test]
fn a_flexible_array_is_a_field_like_others() {
    for tail in ["tail[]", "tail[0]"] {
        let with =
            |tag: &str| format!("struct __cr_root root {{ size_t n __cr; int {tail} {tag}; }};");
        if check(&with("__cr_len(n)"), &[]).is_none() {
            return;
        }
        check(&with(""), &["uncovered-field root.tail"]);
    }
}

#[test]
fn tags_that_contradict_each_other_are_not_believed() {
    let text = "struct __cr_root root { int a __cr __cr_skip(\"no\"); int b __cr; };";
    let Some(found) = check(text, &["cannot-see root"]) else { return };
    assert!(found.findings[0].message.contains("another skips it"), "{found:#?}");
    // Tags that are not ours are none of our business.
    let other = "__attribute__((btf_decl_tag(\"user\")))";
    check(
        &format!("struct __cr_root root {{ int a __cr {other}; int b {other}; }};"),
        &["uncovered-field root.b"],
    );
    let later = "__attribute__((btf_decl_tag(\"samestate:zip:9\")))";
    check(&format!("struct __cr_root root {{ int a {later}; }};"), &["cannot-see root"]);
}

#[test]
fn statics_beside_the_root_are_told_and_tags_decide() {
    let with = |tag: &str| {
        c(&format!(
            "struct __cr_root root {{ int a __cr; }}; long ticks {tag}; int count(void); int count(void) {{ static int calls {tag}; return ++calls + ticks++; }}"
        ))
    };
    let judged = |tag: &str| {
        let binary = build("clang", &[("main.c", &with(tag))], &["-g"])?;
        let config = CoverageConfig { binary, ..CoverageConfig::default() };
        Some(lines(&coverage(&config).unwrap()))
    };
    let Some(found) = judged("") else { return };
    assert_eq!(found, ["uncovered-static calls", "uncovered-static ticks"]);
    assert_eq!(judged("__cr").unwrap(), [""; 0]);
    assert_eq!(judged("__cr_skip(\"counts calls\")").unwrap(), [""; 0]);
}

fn statics_of(compiler: &str, file: &str, text: &str, args: &[&str]) -> Option<Vec<String>> {
    let binary = build(compiler, &[(file, text)], args)?;
    let report = coverage(&CoverageConfig { binary, ..CoverageConfig::default() }).unwrap();
    let mut found = lines(&report);
    found.sort();
    Some(found)
}

#[test]
fn thread_locals_of_c_are_statics() {
    let with = |tag: &str| {
        c(&format!(
            "struct __cr_root root {{ int a __cr; }};
            __thread int shared {tag}; static __thread int own {tag};
            int count(void);
            int count(void) {{ static __thread int calls {tag}; return ++calls + shared++ + own++; }}"
        ))
    };
    let Some(found) = statics_of("clang", "main.c", &with(""), &["-g"]) else { return };
    let expected = ["calls", "own", "shared"].map(|name| format!("uncovered-static {name}"));
    assert_eq!(found, expected);
    assert_eq!(statics_of("clang", "main.c", &with("__cr"), &["-g"]).unwrap(), [""; 0]);
}

#[test]
fn statics_of_cpp_are_found_wherever_they_are_declared_and_defined() {
    let with = |state: &str, thread: &str| {
        format!(
            "#include <samestate.h>
namespace app {{ struct Machine {{
    __cr_root;
    int cycles __cr_saved;
    {state} static int shared;
}}; }}
{state} int app::Machine::shared = 7;
{state} int global = 7;
static {state} int file = 7;
namespace other {{ extern {state} int declared; {state} int declared = 7; {state} int plain = 7; }}
{state} {thread} int local = 7;
int main(int argc, char **) {{
    static {state} int inside = 7;
    app::Machine machine{{argc}};
    const volatile int *all[] = {{&app::Machine::shared, &global, &file, &other::declared,
        &other::plain, &local, &inside}};
    int sum = machine.cycles;
    for (auto one : all) sum += *one;
    return sum;
}}
"
        )
    };
    let names = [
        "app::Machine::shared",
        "file",
        "global",
        "inside",
        "local",
        "other::declared",
        "other::plain",
    ];
    let expected = names.map(|name| format!("uncovered-static {name}"));
    for compiler in ["clang++", "g++"] {
        for args in [&["-g", "-gdwarf-5"][..], &["-g", "-gdwarf-4"]] {
            let found = statics_of(compiler, "main.cc", &with("", "thread_local"), args);
            let Some(found) = found else { continue };
            assert_eq!(found, expected, "{compiler} {args:?}");
            let constant = statics_of(compiler, "main.cc", &with("const", ""), args).unwrap();
            assert_eq!(constant, [""; 0], "{compiler} {args:?}");
        }
    }
}

#[test]
fn a_tag_of_cpp_on_a_line_of_several_fields_is_not_believed() {
    let with = |between: &str| {
        cpp(&format!("struct Root {{ __cr_root;\nint a __cr_saved;{between}int b; }};"))
    };
    for compiler in ["clang++", "g++"] {
        let built = |text: &str| build(compiler, &[("main.cc", text)], &["-g", "-std=c++17"]);
        let Some(crowded) = built(&with(" ")) else { continue };
        let found = report(&crowded, &[]);
        let unseen = found.findings.iter().find(|finding| finding.rule.id == "cannot-see").unwrap();
        assert!(unseen.message.contains("one field per line"), "{found:#?}");
        let apart = report(&built(&with("\n")).unwrap(), &[]);
        assert_eq!(lines(&apart), ["uncovered-field Root.b"], "{compiler}");
    }
}

#[test]
fn a_compiler_that_keeps_no_tags_is_told_with_the_remedy() {
    let whole = c("struct __cr_root root { int a __cr; };");
    let part = "#include <samestate.h>\nint part(void);\nint part(void) { return 1; }\n";
    // What gcc before 16 does; clang keeps the tags in C.
    let Some(binary) = build("gcc", &[("main.c", &whole)], &["-g"]) else { return };
    for roots in [&[][..], &["root"]] {
        let lost = report(&binary, roots);
        let said = lost.findings.iter().find(|finding| finding.rule.id == "cannot-see").unwrap();
        assert!(said.message.contains("main.c` has tags") && said.message.contains("GNU C"));
        assert!(said.help.as_ref().unwrap().contains("clang -g"), "{said:#?}");
        assert_ne!(lost.exit_code(), ExitCode::Clean);
    }
    // The same file without tags says nothing of them.
    let plain = "struct root { int a; }; struct root root; int main(void) { return root.a; }";
    let binary = build("gcc", &[("main.c", plain)], &["-g"]).unwrap();
    assert_eq!(lines(&report(&binary, &["root"])), ["uncovered-field root.a"]);

    // One object of several: kept, lost, and without debug information.
    let files = [("main.c", &*whole), ("part.c", part)];
    let Some(binary) = build("clang", &files, &["-g"]) else { return };
    assert_eq!(lines(&report(&binary, &[])), [""; 0]);
    for (compiler, args, expected) in
        [("gcc", "-g", "`part.c` has tags"), ("clang", "-g0", "1 objects have tags")]
    {
        let dir = binary.parent().unwrap();
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
        let run = |compiler: &str, args: &[&str]| {
            let output = Command::new(compiler)
                .current_dir(dir)
                .arg("-I")
                .arg(&include)
                .args(args)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let object = format!("part-{compiler}.o");
        run(compiler, &["-c", args, "part.c", "-o", &object]);
        run("clang", &["-g", "main.c", &object, "-o", "mixed"]);
        let mixed = report(&dir.join("mixed"), &[]);
        assert_eq!(mixed.findings.len(), 1, "{mixed:#?}");
        assert!(mixed.findings[0].message.contains(expected), "{mixed:#?}");
        assert_eq!(mixed.exit_code(), ExitCode::CouldNotCheck);
    }
}

/// A program of C++: these definitions, and a `Root`.
fn cpp(definitions: &str) -> String {
    let headers = [
        "any",
        "array",
        "atomic",
        "deque",
        "fstream",
        "functional",
        "list",
        "map",
        "memory",
        "mutex",
        "optional",
        "set",
        "string",
        "thread",
        "tuple",
        "unordered_map",
        "variant",
        "vector",
    ];
    let includes = headers.map(|header| format!("#include <{header}>\n")).concat();
    format!(
        "#include <samestate.h>
{includes}
{definitions}
Root root;
int main() {{ return sizeof(root) == 0; }}
"
    )
}

#[test]
fn classes_and_containers_of_cpp_are_followed() {
    // Each container with the way to what it holds, of which one field has no tag.
    let containers = [
        ("std::vector<Item>", "[]"),
        ("std::deque<Item>", "[]"),
        ("std::list<Item>", "[]"),
        ("std::array<Item, 3>", "[]"),
        ("std::map<int, Item>", "[value]"),
        ("std::unordered_map<std::string, Item>", "[value]"),
        ("std::unique_ptr<Item>", ""),
        ("std::unique_ptr<Item[]>", "[]"),
        ("std::shared_ptr<Item>", ""),
        ("std::optional<Item>", ""),
        ("std::pair<int, Item>", ".second"),
        ("std::tuple<int, Item>", ".1"),
        ("std::variant<int, Item>", ".1"),
        ("std::vector<std::unique_ptr<Item>>", "[]"),
        ("const Item *", ""),
    ];
    let hidden = [
        ("std::function<int(int)>", "opaque-container"),
        ("std::any", "opaque-container"),
        ("std::thread", "host-resource"),
        ("std::ofstream", "host-resource"),
    ];
    let plain = ["std::string", "std::mutex", "std::atomic<int>", "std::set<int>"];
    let with = |tag: &str| {
        let mut items = String::new();
        let mut fields = String::new();
        for (index, (ty, _)) in containers.iter().enumerate() {
            let item = format!("Item{index}");
            items +=
                &format!("struct {item} {{\nint a __cr_saved;\nint *b {tag};\n}} of_{index};\n");
            fields += &format!("{} f{index} __cr_saved;\n", ty.replace("Item", &item));
        }
        for (index, (ty, _)) in hidden.iter().enumerate() {
            fields +=
                &format!("{ty} h{index} {};\n", if tag.is_empty() { "__cr_saved" } else { SKIP });
        }
        for (index, ty) in plain.iter().enumerate() {
            fields += &format!("{ty} p{index} __cr_saved;\n");
        }
        cpp(&format!("{items}struct Root {{ __cr_root;\n{fields}}};"))
    };
    let mut expected: Vec<String> = (0..)
        .zip(&containers)
        .map(|(index, (_, way))| format!("uncovered-field Root.f{index}{way}.b"))
        .collect();
    expected.extend((0..).zip(&hidden).map(|(index, (_, rule))| format!("{rule} Root.h{index}")));
    expected.sort();
    for compiler in ["clang++", "g++"] {
        let built = |tag: &str| build(compiler, &[("main.cc", &with(tag))], &["-g", "-std=c++17"]);
        let Some(binary) = built("") else { return };
        let mut found = lines(&report(&binary, &[]));
        found.sort();
        assert_eq!(found, expected, "{compiler}");
        let clean = report(&built("__cr_saved").unwrap(), &[]);
        assert_eq!(lines(&clean), [""; 0], "{compiler}: {clean:#?}");
    }
}

const SKIP: &str = "__cr_skip(\"made again\")";

#[test]
fn what_a_class_is_derived_from_and_what_is_derived_from_it_belong_to_it() {
    let with = |base: &str, derived: &str| {
        let text = cpp(&format!(
            "struct Base {{
                virtual ~Base() {{}}
                int in_base {base};
                static int counter;
            }};
            struct Disk : Base {{
                int sector {derived};
            }};
            struct Root : Base {{
                __cr_root;
                int own = 3 __cr_saved;
                unsigned bits : 3 __cr_saved;
                Base *device __cr_saved;
                void *raw __cr_as(Disk);
                union {{ int a; float b; }} __cr_saved;
            }};
            Disk disk;"
        ));
        build("clang++", &[("main.cc", &text)], &["-g"]).map(|binary| sorted(&report(&binary, &[])))
    };
    let Some(found) = with("__cr_saved", "__cr_saved") else { return };
    assert_eq!(found, [""; 0]);
    assert_eq!(with("__cr_saved", "").unwrap(), ["uncovered-field Root.raw.sector"]);
    assert_eq!(with("", "__cr_saved").unwrap(), ["uncovered-field Root.in_base"]);
}

#[test]
fn the_sample_of_the_readme_is_what_it_says() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let sample = readme.split("```c\n").nth(1).unwrap().split("```").next().unwrap();
    let text = format!(
        "#include <samestate.h>\n#include <stddef.h>\n#include <stdint.h>
        struct list {{ struct list *next, *prev; }};
        struct timer {{ long when __cr; struct list link; }};
        struct cache {{ int x; }};
        {sample}
        struct machine machine; struct timer timer;
        int main(void) {{ return (int)machine.cycles; }}\n"
    );
    let Some(binary) = build("clang", &[("main.c", &text)], &["-g"]) else { return };
    assert_eq!(lines(&report(&binary, &[])), [""; 0]);
    let forgotten = text.replacen("cycles __cr;", "cycles;", 1);
    let binary = build("clang", &[("main.c", &forgotten)], &["-g"]).unwrap();
    assert_eq!(lines(&report(&binary, &[])), ["uncovered-field machine.cycles"]);
}
