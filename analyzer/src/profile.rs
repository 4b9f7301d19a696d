//! By what images are made of memory.

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
