//! The catalogue: every rule there is, by constant.
//!
//! A new rule is one `rule!` here and the producer that uses it; `samestate explain` and the docs
//! read this table.

use crate::{Rule, Severity};

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident { $id:literal, $severity:ident, $title:literal, $explanation:literal, $remedy:literal })*) => {
        $(
            $(#[$doc])*
            #[doc = concat!("`", $id, "`: ", $title, ".")]
            pub static $name: Rule = Rule {
                id: $id,
                title: $title,
                severity: Severity::$severity,
                explanation: $explanation,
                remedy: $remedy,
            };
        )*

        /// All rules, in the order of their areas.
        pub static ALL: &[&Rule] = &[$(&$name),*];
    };
}

/// The ways in which two runs can do something else.
pub static DIVERGENCES: &[&Rule] = &[
    &MISSING_CALL,
    &EXTRA_CALL,
    &ARGUMENT_DIFFERS,
    &PAYLOAD_DIFFERS,
    &IMAGE_DIFFERS,
    &POSITION_DIFFERS,
    &CALLS_REORDERED,
    &ITERATION_ORDER,
    &TIME_DIFFERS,
    &KERNEL_STATE_DIFFERS,
    &STATE_DIFFERS,
    &RESULT_DIFFERS,
    &INPUT_DIFFERS,
    &EXIT_DIFFERS,
    &SIGNAL_DIFFERS,
    &PROCESS_DIFFERS,
];

/// The rule with this id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.id == id)
}

rules! {
    // Coverage.
    UNCOVERED_FIELD { "uncovered-field", Error,
        "a field that is reachable from a root is covered by no checkpoint",
        "The field can be reached from a root struct, so it is part of the program's state, but \
         nothing shows that a checkpoint saves and restores it: no record of the derive, and no \
         use of it in a hand-written `save` and `restore`. After a restore it holds whatever the \
         constructor put there. A claim alone (a record of a `manual` type, a comment) never makes \
         a field clean; the code must be seen to use it.",
        "Save and restore the field, or decide that it need not be: `skip(default)` or \
         `skip(value)` with a reason, `rebuild` from other fields, or `external` for a handle that \
         is given at restore." }
    HOST_RESOURCE { "host-resource", Error,
        "a field holds something of the host that no image can hold",
        "The value stands for something that exists outside the program's memory, and only as long \
         as the process: an open file, a socket, a thread, a lock that is held, a moment of the \
         machine's clock. Its bytes mean nothing in the process that restores.",
        "Open it again after a restore from what is saved beside it (a path, an address, an \
         offset, a duration), or have it handed in: `external` in the derive." }
    UNCOVERED_IMPLEMENTER { "uncovered-implementer", Error,
        "a type behind a trait object is covered by no checkpoint",
        "The trait object can hold this type: its table of methods is in the binary. Others that \
         stand behind the same trait are seen to be saved and restored, this one is not.",
        "Save and restore it as the others are." }
    UNREGISTERED_IMPLEMENTER { "unregistered-implementer", Error,
        "a type behind a trait object has no name to be restored by",
        "The trait object can hold this type: its table of methods is in the binary. Trait objects \
         are restored by the names that types are registered with, and this type is not, so saving \
         fails as soon as one is met.",
        "Write `#[checkpoint(implements(dyn Trait, \"name\"))]` on the type." }
    UNCOVERED_STATIC { "uncovered-static", Error,
        "a static or thread local that can change hangs from no root",
        "The variable lives as long as the program or its thread, in memory that can be written \
         to, and no root holds it, so no checkpoint saves it: after a restore it has the value that \
         it starts with. Constants, what the linker removed, and the statics of the standard \
         library and of samestate's runtime are left out. What is written once (`OnceLock`, \
         `LazyLock`) and what other crates keep is only noted.",
        "Move the value into a struct that hangs from a root. If it is a cache or a count that \
         need not be saved, leave it; `--statics none` turns the rule off." }
    SAVE_WITHOUT_RESTORE { "save-without-restore", Error,
        "a field is saved, but nothing restores it",
        "The hand-written `save` uses the field, the `restore` of the same type never gives it a \
         value from the image. What was written is lost, or shifts what is read after it.",
        "Restore the field in the same place of the order, or stop saving it." }
    RESTORE_WITHOUT_SAVE { "restore-without-save", Error,
        "a field is restored, but nothing saves it",
        "The hand-written `restore` takes the field from the image, the `save` of the same type \
         never puts it there. It gets bytes that belong to something else.",
        "Save the field in the same place of the order, or give it its value without the image." }
    PARTLY_SAVED { "partly-saved", Error,
        "only a part of a field is saved",
        "The code that saves takes the field apart and leaves some of it behind: an element of a \
         tuple, a range of an array, the keys of a map, or all of it at one of several places.",
        "Save and restore the rest, or say why it need not be saved." }
    STALE_TREATMENT { "stale-treatment", Error,
        "a line of samestate.toml names nothing any more",
        "The file states a treatment, or names a function that saves or restores, and nothing in \
         the program has that name: it was renamed or removed, or no root leads to it. What the \
         line once stood for may now be judged by nothing.",
        "Remove the line, or correct the name." }
    EXPIRED_TREATMENT { "expired-treatment", Error,
        "a treatment in samestate.toml is past its day",
        "The line was to hold until the day that it states. Until somebody decides again, what it \
         names is left out on yesterday's reason.",
        "Save what it names, or state a later day and why." }
    NO_ROOT_REACHES { "no-root-reaches", Warning,
        "an annotated type hangs from no root",
        "The type is annotated for checkpoints, so its values are meant to be saved, but no field \
         of anything that hangs from a root leads to it. Either a root is missing, or a field is, or \
         the annotation is left over. If sight ends somewhere on the ways from the roots, this is \
         only a note, since the type may stand there.",
        "Mark the struct that holds it with `#[checkpoint(root)]`, or take the annotation away." }
    HIDDEN_BY_SKIP { "hidden-by-skip", Note,
        "a skipped field leaves out types with fields of their own",
        "The field is skipped for a stated reason, and everything below it with it. This note tells \
         how much that is, so that a reason given for a small cache is read again when the cache has \
         grown into state.",
        "Read the reason again, and save what it does not hold for." }
    CANNOT_SEE { "cannot-see", Blind,
        "a part of the state could not be seen",
        "The way from a root ends at something that the tool cannot look into: a type without \
         debug information, code that a macro generated, a source file that is not there. What lies behind it is \
         neither covered nor uncovered.",
        "Do what the finding says: build with full debug information, name the sources, or derive \
         `Checkpoint` on the type." }
    OPAQUE_CONTAINER { "opaque-container", Blind,
        "a container hides what it holds",
        "The type stores its payload behind an erased pointer and is not in the table of known \
         containers, so the walk from the root ends here.",
        "Follow one of its type parameters by adding a row to the container table, or derive \
         `Checkpoint` on a type that holds the data in the open." }
    OPAQUE_POINTER { "opaque-pointer", Blind,
        "a pointer does not tell what is behind it",
        "The way from a root ends at an address whose type says nothing of what stands there: \
         `*mut c_void`, `*mut u8`, `NonNull<u8>`, `void *` or `unsigned char *` without a length, a \
         type of a foreign library that is only declared or has no contents. What lies behind it is \
         neither covered nor uncovered, and the address itself means nothing to another process.",
        "Give the pointer a type that the debug information describes: `Box<T>`, `&T`, `*mut T`, in C \
         `__cr_as(type)` or `__cr_len(field)` behind the field. Or say what becomes of the field: \
         `skip`, `rebuild` or `external` in the derive, a line with the reason under `[skip]`, \
         `[rebuilt]` or `[host]` of samestate.toml, `__cr_skip(\"why\")` in C." }
    ROOT_NOT_FOUND { "root-not-found", Blind,
        "a root is not in the binary",
        "No type of that name has debug information in the binary: it is spelled differently, it \
         is never used, or the compiler removed it.",
        "Pick one of the names offered, written with its full path, or build with full debug \
         information." }
    NO_ROOTS { "no-roots", Blind,
        "the binary names no root",
        "No record in the binary is marked `#[checkpoint(root)]` and no `--root` was given, so \
         there is nothing to start from.",
        "Mark the struct from which the state hangs with `#[checkpoint(root)]`, or name it with \
         `--root crate::Type`." }
    NO_TYPES { "no-types", Blind,
        "the binary has no type information",
        "Types are only in full debug information. Line tables alone (`debug = 1`, \
         `line-tables-only`) and stripped binaries have none.",
        "Build with `debug = 2` (or `debug = true`) and `strip = false` in the profile; \
         optimisation does not matter." }
    BAD_RECORD { "bad-record", Blind,
        "a record in the binary cannot be read",
        "The section `samestate` of the binary holds bytes that are not a record of a version \
         this tool knows.",
        "Build the program and this tool from the same version of samestate." }

    // Images.
    DAMAGED_IMAGE { "damaged-image", Error,
        "an image is damaged or malformed",
        "A checksum of the image does not match its bytes, it ends early, or its values are not \
         what its own schema says. It will be refused when it is restored.",
        "Restore the image before it, and look for what damaged this one." }

    VALUE_DIFFERS { "value-differs", Error,
        "two images hold different values",
        "The images were made of different states. The table tells the field paths and both \
         values.",
        "Nothing, if they are of different moments; else look for what computes the first field \
         that differs." }

    // Drift.
    FIELD_ADDED { "field-added", Error,
        "a field was added to saved state",
        "The new version saves a field that older images do not hold.",
        "Give older images a value with `#[checkpoint(since = N, default = …)]` and raise the \
         type's version to N." }
    FIELD_REMOVED { "field-removed", Error,
        "a field was removed from saved state",
        "Older images hold a field that the new version no longer knows.",
        "Say that it is gone with `#[checkpoint(removed(\"name\"))]` on the type, and raise its \
         version." }
    FIELD_RENAMED { "field-renamed", Error,
        "a saved field has another name",
        "Older images hold the field under its old name, and are matched by name. Without a hint \
         it counts as one field that is gone and another one that is new.",
        "If it is the same field, write `#[checkpoint(was = \"old name\")]` on it." }
    FIELD_MOVED { "field-moved", Error,
        "saved fields moved into a struct of their own",
        "Older images hold the fields one level higher, and are refused.",
        "Keep the old type under another name and convert it: \
         `#[checkpoint(migrate(Old, with = function))]` on the type, with a higher version." }
    TYPE_RENAMED { "type-renamed", Error,
        "a type has another name",
        "Images know a type by its identifier, or by the name it is given. A type that only moved \
         to another module is none the worse for it.",
        "Write `#[checkpoint(was = \"Old\")]` on the type, or keep its name in images with \
         `#[checkpoint(name = \"Old\")]`." }
    FIELD_TYPE_CHANGED { "field-type-changed", Error,
        "the type of a saved field changed",
        "An older image holds the field in its old type. It is refused when it is restored, by \
         the name of the field.",
        "Convert the old value with `#[checkpoint(from(Old, function))]` and raise the type's \
         version." }
    TREATMENT_CHANGED { "treatment-changed", Error,
        "what happens to a field at a checkpoint changed",
        "A field that was saved no longer is, or the other way round. Images of the two versions \
         do not hold the same state.",
        "If it was meant, raise the type's version and say what older images give; if not, put \
         the treatment back." }
    FIELD_ORDER_CHANGED { "field-order-changed", Note,
        "fields stand in another order",
        "Images of the derive are matched by name when the order differs, so they still load. Most \
         binary formats of serde hold no names: where samestate.toml says `order = \"matters\"`, older \
         images are taken for something else, and it is an error.",
        "Nothing, unless memory is dumped raw or the format goes by order: then put the fields back." }
    VARIANT_ADDED { "variant-added", Error,
        "an enum gained a variant",
        "Older images do not know the variant, and are refused until the program tells since when \
         it is there. Older programs cannot read an image that holds it. Where code written by \
         hand saves the enum, it is only a note.",
        "Write `#[checkpoint(since = N)]` on the variant, and raise the type's version to N." }
    VARIANT_REMOVED { "variant-removed", Error,
        "an enum lost a variant",
        "Older images are refused until the program tells that the variant is gone; those that \
         hold it cannot be restored at all.",
        "Write `#[checkpoint(removed(\"Variant\"))]` on the enum and raise its version, or keep the \
         variant." }
    VARIANT_CHANGED { "variant-changed", Error,
        "a variant is numbered differently",
        "What stands for the variant changed while its name stayed: its number, its `id`, or, where \
         samestate.toml says `order = \"matters\"`, its place among the variants.",
        "Give the variant back what it had; a fixed id with `#[checkpoint(id = N)]` lasts." }
    VARIANT_RENAMED { "variant-renamed", Error,
        "a variant has another name",
        "Images know a variant by its id, or else by its name, so older ones that hold it are \
         refused.",
        "Write `#[checkpoint(was = \"Old\")]` on the variant, or give it an id before it is \
         renamed: `#[checkpoint(id = N)]`." }
    IMPLEMENTER_ADDED { "implementer-added", Note,
        "a trait object that is saved may be of a new type",
        "Older images load; older programs cannot read an image that holds the new type.",
        "Nothing, if older programs need not read newer images." }
    IMPLEMENTER_REMOVED { "implementer-removed", Error,
        "a trait object that is saved can no longer be of a type",
        "An older image that holds an object of this type cannot be restored.",
        "Keep the implementer registered under its stable name, even if nothing makes new ones." }
    IMPLEMENTER_RENAMED { "implementer-renamed", Error,
        "a type behind a trait object is registered by another name",
        "Images know what stands behind a trait object by the name it was registered by, and \
         nothing has that name now: an older image that holds such an object cannot be restored.",
        "Register the type by the old name again: `#[checkpoint(implements(dyn Trait, \"name\"))]`." }
    HISTORY_DROPPED { "history-dropped", Warning,
        "the program no longer tells how images of earlier versions are read",
        "An attribute that told of a version before the last one is gone (`since`, `was`, `from`, \
         `removed`, `migrate`). Images of the last version load as far as the other findings say; \
         older ones that loaded until now are refused.",
        "Put the attribute back, or write the lock again if such images are no longer needed." }
    ROOT_ADDED { "root-added", Note,
        "a root is new",
        "The new version has a root that the old one did not have.",
        "Nothing; write the lock again." }
    ROOT_REMOVED { "root-removed", Error,
        "a root is gone",
        "The old version saved a root that the new one does not have.",
        "Put it back, or write the lock again if its images are no longer needed." }
    VERSION_NOT_BUMPED { "version-not-bumped", Error,
        "saved state changed, but the version of the type did not",
        "Two different layouts carry the same version number, so nobody can tell their images \
         apart by it.",
        "Raise `version` in `#[checkpoint(version = N)]` on the type, or the constant that \
         samestate.toml names under `version`." }
    SIZE_CHANGED { "size-changed", Error,
        "a type takes another number of bytes in memory",
        "A dump of the type's memory has another length than before, so everything behind it is \
         taken for something else. The finding also names the types that changed only because this \
         one lies in them. Compared with the profile `raw-memory` only.",
        "Keep the size, or give dumps a version and convert older ones. Saving field by field does \
         not depend on it." }
    ALIGNMENT_CHANGED { "alignment-changed", Error,
        "a type is aligned differently",
        "Where the type lies in others, and how far its elements are apart in arrays, may have \
         changed with it. Compared with the profile `raw-memory` only.",
        "Keep the alignment (`#[repr(align(N))]`), or give dumps a version and convert older ones." }
    OFFSET_CHANGED { "offset-changed", Error,
        "a field stands at another place in memory",
        "The type is as large as before, but the field stands at another offset: it was declared at \
         another place, another field pushed it away, or the compiler chose another order. In an \
         older dump, other bytes are taken for it. Compared with the profile `raw-memory` only.",
        "Put it back, or write `#[repr(C)]` on the type so that the order is that of its \
         declaration; or give dumps a version and convert older ones." }
    CONTENTS_CHANGED { "contents-changed", Error,
        "the same bytes of a type hold something else",
        "A field got another type of the same size, or one came to where nothing was. The program \
         may tell how older images are read field by field; a dump of memory knows nothing of that. \
         Compared with the profile `raw-memory` only.",
        "Keep the field, or give dumps a version and convert older ones." }
    DISCRIMINANT_CHANGED { "discriminant-changed", Error,
        "the variants of an enum are told apart by other bytes",
        "The number that stands for a variant changed, or where in memory it stands. The compiler \
         may keep it in values that a field never has, so a variant more in an enum can change what \
         stands for `None` around it. Compared with the profile `raw-memory` only.",
        "Fix the numbers with `#[repr(u8)]` or the like and explicit values, or give dumps a \
         version and convert older ones." }
    ADDRESS_IN_MEMORY { "address-in-memory", Error,
        "a type that held values only holds an address now",
        "A dump of the type holds the address and not what it points to, and in the process that \
         reads it back something else is there, or nothing. Compared with the profile `raw-memory` \
         only.",
        "Save what it points to by itself, and dump the type without it." }
    PADDING_ADDED { "padding-added", Warning,
        "a type without padding has some now",
        "Bytes that belong to no field have no defined value: a dump of them tells what was there \
         before, and two dumps of equal states differ. Compared with the profile `raw-memory` only.",
        "Make the padding a field of its own, or order the fields so that there is none." }
    TARGET_CHANGED { "target-changed", Error,
        "the two versions were built for different machines",
        "The width of addresses or the order of bytes differs, so a dump of memory of one means \
         nothing to the other; how types lie in memory is not compared then. Images that are saved \
         field by field do not depend on it, so there it is only a note, as it is where just the \
         architecture differs.",
        "Compare versions that were built for the same target." }
    LOST_EVIDENCE { "lost-evidence", Blind,
        "one side of the comparison does not show the type",
        "A type that the other side knows cannot be seen here. It may be gone, or only invisible; \
         it is not reported as removed.",
        "Build both sides with full debug information and compare again." }

    STALE_LOCK { "stale-lock", Error,
        "a lock file is not what would be written today",
        "The lock file in the repository was written for another state of the program, so \
         whoever compares with it compares with the wrong thing.",
        "Write it again with `samestate lock`, and review what changed." }

    // Divergence.
    MISSING_CALL { "missing-call", Error,
        "the second run does not make a call that the first one made",
        "After aligning the two streams, the call stands only in the first run.",
        "Look at the state that decides whether the call is made." }
    EXTRA_CALL { "extra-call", Error,
        "the second run makes a call that the first one did not make",
        "After aligning the two streams, the call stands only in the second run.",
        "Look at the state that decides whether the call is made." }
    ARGUMENT_DIFFERS { "argument-differs", Error,
        "a call has another argument",
        "Both runs make the call at the same place, with different arguments; descriptors, \
         addresses and process ids are compared by what they stand for.",
        "Look at the state that the argument is computed from." }
    PAYLOAD_DIFFERS { "payload-differs", Error,
        "a call writes other bytes",
        "Both runs make the call at the same place, but the bytes handed to the kernel differ.",
        "Look at the state that the bytes are computed from." }
    IMAGE_DIFFERS { "image-differs", Error,
        "a later checkpoint holds another state",
        "Both runs save at the same place, but the ids of the two images differ: the states that \
         were saved are not the same. The id leaves out time, step and build, so equal states \
         have equal ids.",
        "Compare the two images (`samestate image diff`), and look at the first divergence before \
         this one." }
    POSITION_DIFFERS { "position-differs", Error,
        "an open file stands at another place",
        "At the marker, both runs have the file open, but the next read or write takes place at \
         another offset: what follows may look the same and lands elsewhere.",
        "Save the position in the file, and go there before announcing that the image is restored." }
    CALLS_REORDERED { "calls-reordered", Error,
        "a call stands at another place of the order",
        "Both runs make the call, the same in every way, but before or after other calls than in \
         the other run.",
        "Look at the state that decides what comes first: a queue, a list of what is due, a \
         scheduler." }
    ITERATION_ORDER { "iteration-order", Error,
        "the same things come in another order",
        "Both runs hand over the same pieces, in one call or in a row of calls of one kind, in \
         another order. That is typical of a container without an order, such as a hash map, which \
         was filled in another order or has another seed after the restore.",
        "Save and restore the order too, or use a container that has one (`BTreeMap`, \
         `IndexMap`)." }
    TIME_DIFFERS { "time-differs", Error,
        "a call is given another time",
        "Both runs make the call at the same place, and all that differs is a time that it is \
         given: how long to wait, until when, or what a file's time shall be.",
        "Look at the clock or the deadline that the time is computed from: a base that was taken \
         at the start must be saved, or be taken again from what was saved." }
    KERNEL_STATE_DIFFERS { "kernel-state-differs", Error,
        "the kernel holds another state of the process",
        "At the marker the kernel's own state of the process is not what it was in the original: \
         an open file or its flags, the working folder, the mask of new files, which signals are \
         blocked, ignored or handled, timers, or limits. No image holds it, and no call has to tell \
         of it before it matters.",
        "Set it up again before announcing that the image is restored." }
    STATE_DIFFERS { "state-differs", Error,
        "a field holds another value at a step",
        "The digests that both runs tell at the step differ in this field, though no call may have \
         shown it yet.",
        "Save and restore the field, or what it is computed from." }
    RESULT_DIFFERS { "result-differs", Error,
        "a call has another result",
        "Both runs make the same call, and the kernel answers differently: something outside the \
         program differs, or a call before it did.",
        "Put the outside back to what it was (`--state PATH`), or look at the calls before." }
    INPUT_DIFFERS { "input-differs", Error,
        "a call reads other bytes",
        "Both runs make the same call, but the bytes that the kernel gives differ.",
        "Put the outside back to what it was (`--state PATH`), or look at the calls before." }
    EXIT_DIFFERS { "exit-differs", Error,
        "a process ends differently",
        "The two runs end with another exit status or another signal.",
        "Look at the first divergence before it." }
    SIGNAL_DIFFERS { "signal-differs", Error,
        "a signal is delivered in only one of the runs",
        "One run gets a signal that the other one does not get, or another one.",
        "Look at where the signal comes from." }
    PROCESS_DIFFERS { "process-differs", Error,
        "a process or thread exists in only one of the runs",
        "One run starts a process or a thread that the other one does not start.",
        "Look at the state that decides whether it is started." }
    UNKNOWN_CALL { "unknown-call", Blind,
        "a system call is not in the table",
        "The number of the call has no row in the table of system calls, so its arguments could \
         not be understood, and what it did could not be compared.",
        "Update samestate; until then, judge the raw arguments." }
    UNTRACED { "untraced", Blind,
        "a part of the run could not be traced",
        "Something happened outside what the tracer sees: shared memory with another process, a \
         32-bit system call, a call that was made while nobody watched.",
        "Do what the finding says." }
    NO_MARKER { "no-marker", Blind,
        "a run announced no marker",
        "Without a `saved` marker in the original or a `restored` marker in the restored run, \
         there is no point from which the two could be compared.",
        "Save through `Store` (it announces both), or call `samestate::mark`." }
    RESTORE_FAILED { "restore-failed", Error,
        "the restore command failed",
        "The restored run ended before it announced that it had restored the image.",
        "Run the command by hand on the copy of the image that the finding names." }
    CONTROL_DIFFERS { "control-differs", Blind,
        "the original differs from itself",
        "Two runs of the original under the same conditions already differ here, so a restored \
         run that differs here proves nothing.",
        "Do what the finding says: put the source of the difference back between the runs, mirror \
         it, or take it out; then verify again." }
    TORN_TRACE { "torn-trace", Blind,
        "a trace ends in the middle",
        "The recording was cut off, or its file is damaged; what stands before the tear was read, \
         what came after it is unknown. Differences before the tear count like all others. What only \
         the other run does after the last call that both have is not reported: it may come behind \
         the tear.",
        "Record again." }
    NOT_PUT_BACK { "not-put-back", Blind,
        "files that an earlier verification has changed are not as they were",
        "An earlier verification was killed, and what it had changed could not all be put back: its \
         journal is damaged, a copy is missing, or a file cannot be written. Files that programs \
         read now may hold what a killed run has written.",
        "Look at the copies in the folder that the finding names, put back what you need, and \
         remove the folder." }
    STATE_NOT_RESTORED { "state-not-restored", Error,
        "the restored run is not the image it was given",
        "The `restored` marker names another image than the one the command was asked to restore.",
        "Make the restore command load the image named on its command line." }
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn ids_are_unique_kebab_case_and_explained() {
        for (at, rule) in ALL.iter().enumerate() {
            assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
            assert!(!rule.title.ends_with('.'), "{}", rule.id);
            assert!(rule.explanation.ends_with('.') && rule.remedy.ends_with('.'), "{}", rule.id);
            assert!(ALL[..at].iter().all(|earlier| earlier.id != rule.id), "{} twice", rule.id);
        }
    }
}
