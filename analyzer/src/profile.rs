//! By what images tell the parts of state apart.

/// What a program's images depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// On names and types: each field is saved by itself, as the derive and serializers do. How
    /// types lie in memory does not matter.
    #[default]
    ByField,
    /// On memory as well: it is dumped as it is, so sizes, offsets, alignments and the numbers of
    /// variants must stay what they are.
    RawMemory,
}

/// Whether serializers tell fields and variants apart by their order, as most binary formats do, or
/// by their names. The derive always goes by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By their order: what moves is taken for something else.
    Matters,
    /// By their names.
    Free,
}
