//! The section that the linker joins: the unsafe part of the registry.

use super::Slot;

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
    target_os = "illumos",
    target_os = "solaris",
    target_os = "fuchsia",
    target_vendor = "apple"
))]
pub(super) fn slots() -> &'static [Slot] {
    /// An empty slot, so that the section and its bounds exist in every program.
    #[used]
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = "samestate_impl"))]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,smstate_impl"))]
    static EMPTY: Slot = None;

    // SAFETY: the linker defines both for every section whose name is a C identifier (on Apple
    // systems: for every section). Arrays of no length claim no bytes of it, and are aligned as its
    // slots are, so that the declarations are true whatever stands there.
    unsafe extern "C" {
        #[cfg_attr(not(target_vendor = "apple"), link_name = "__start_samestate_impl")]
        #[cfg_attr(target_vendor = "apple", link_name = "\u{1}section$start$__DATA$smstate_impl")]
        static START: [usize; 0];
        #[cfg_attr(not(target_vendor = "apple"), link_name = "__stop_samestate_impl")]
        #[cfg_attr(target_vendor = "apple", link_name = "\u{1}section$end$__DATA$smstate_impl")]
        static STOP: [usize; 0];
    }

    let start = (&raw const START).cast::<Slot>();
    let len = ((&raw const STOP).addr() - start.addr()) / size_of::<Slot>();
    // SAFETY: the memory is that of the section, not of a static of the program's: to the compiler
    // `START` is a symbol from elsewhere, and how much stands behind it is what the linker made it
    // to be. It is all one object of the linker's, of which `START` and `STOP` are the bounds, and
    // `&raw const` makes no reference that would narrow that to the declared length. `EMPTY` is in
    // the section, so that it is not empty and both symbols are in it.
    //
    // The linker puts the section's parts one behind the other between these symbols. Each
    // part is one `Slot`, which the derive and `EMPTY` alone put there: a pointer, aligned like one
    // and of that size, so that no gap comes between. They are statics that nothing changes, and
    // the loader relocated them before any code of the program ran.
    unsafe { core::slice::from_raw_parts(start, len) }
}

/// Where it is not known how linkers name the bounds of a section, no type is registered: a trait
/// object is an error when it is saved.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
    target_os = "illumos",
    target_os = "solaris",
    target_os = "fuchsia",
    target_vendor = "apple"
)))]
pub(super) fn slots() -> &'static [Slot] {
    &[]
}
