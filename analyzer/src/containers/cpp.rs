//! What is known of the standard library of C++, by the names that libstdc++ and libc++ share.
//!
//! A type of it that has no row is looked at no further: if all of its value is in it, it holds
//! nothing; else it hides what it holds.

use super::Class::{Inline, Owned, Raw, Shared, Weak};
use super::Holds::{self, Each, Host, Many, Members, Nothing, One, Pairs};
use crate::names::last_segment;

static TABLE: &[(&str, Holds)] = &[
    ("vector", Many("_Tp")),
    ("deque", Many("_Tp")),
    ("list", Many("_Tp")),
    ("forward_list", Many("_Tp")),
    ("array", Many("_Tp")),
    ("valarray", Many("_Tp")),
    ("queue", Many("_Tp")),
    ("stack", Many("_Tp")),
    ("priority_queue", Many("_Tp")),
    ("initializer_list", Many("_E")),
    ("set", Many("_Key")),
    ("multiset", Many("_Key")),
    ("unordered_set", Many("_Value")),
    ("unordered_multiset", Many("_Value")),
    ("map", Pairs("_Key", "_Tp")),
    ("multimap", Pairs("_Key", "_Tp")),
    ("unordered_map", Pairs("_Key", "_Tp")),
    ("unordered_multimap", Pairs("_Key", "_Tp")),
    ("unique_ptr", One("_Tp", Owned)),
    ("shared_ptr", One("_Tp", Shared)),
    ("weak_ptr", One("_Tp", Weak)),
    ("reference_wrapper", One("_Tp", Raw)),
    ("optional", One("_Tp", Inline)),
    ("atomic", One("_Tp", Inline)),
    ("pair", Members),
    ("tuple", Each),
    ("variant", Each),
    // Text, and what has no state of the program.
    ("basic_string", Nothing),
    ("basic_string_view", Nothing),
    ("mutex", Nothing),
    ("timed_mutex", Nothing),
    ("recursive_mutex", Nothing),
    ("recursive_timed_mutex", Nothing),
    ("shared_mutex", Nothing),
    ("shared_timed_mutex", Nothing),
    ("once_flag", Nothing),
    // What belongs to the host.
    ("thread", Host("a thread")),
    ("jthread", Host("a thread")),
    ("condition_variable", Host("a condition variable")),
    ("condition_variable_any", Host("a condition variable")),
    ("future", Host("a channel")),
    ("promise", Host("a channel")),
    ("basic_ofstream", Host("an open file")),
    ("basic_ifstream", Host("an open file")),
    ("basic_fstream", Host("an open file")),
    ("basic_filebuf", Host("an open file")),
    ("lock_guard", Host("a lock that is held")),
    ("unique_lock", Host("a lock that is held")),
    ("shared_lock", Host("a lock that is held")),
    ("scoped_lock", Host("a lock that is held")),
];

/// Whether a type is one of the standard library of C++: those of Rust start with capitals.
pub(crate) fn is_std(definition: &str) -> bool {
    (definition.starts_with("std::") || definition.starts_with("__gnu_cxx::"))
        && last_segment(definition).starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
}

/// What is known of such a type.
pub(super) fn known(definition: &str) -> Option<Holds> {
    let name = last_segment(definition);
    TABLE.iter().find(|row| row.0 == name).map(|row| row.1)
}
