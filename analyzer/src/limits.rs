//! Every bound on what hostile input can make us spend, in one place.

/// Longest section in bytes after decompression.
pub(crate) const MAX_SECTION_LEN: u64 = 8 << 30;

/// What a compressed section may claim to grow to, per compressed byte. Deflate cannot exceed
/// 1032; zstd can, but debug information does not.
pub(crate) const MAX_COMPRESSION_RATIO: u64 = 1100;

/// Longest qualified name in bytes. The longest in real programs are some 20 000 (nested
/// iterator adaptors and futures).
pub(crate) const MAX_NAME_LEN: usize = 1 << 18;

/// Most attributes per byte of a unit. Real ones have one for every two bytes or so.
pub(crate) const MAX_ATTRIBUTES_PER_BYTE: usize = 16;

/// Deepest nesting of namespaces and types.
pub(crate) const MAX_SCOPE_DEPTH: usize = 1 << 10;

/// Most steps that a field path may have before the walk says that it cannot see further.
pub(crate) const MAX_PATH_STEPS: usize = 256;

/// Most findings that one report states one by one.
pub(crate) const MAX_FINDINGS: usize = 100_000;

/// Deepest nesting of brackets in a type name that is taken apart.
pub(crate) const MAX_NAME_DEPTH: usize = 64;

/// Deepest nesting of brackets in a source file that is parsed: the parser calls itself for each.
pub(crate) const MAX_SOURCE_DEPTH: usize = 150;

/// Most operators of one expression, those around it counted too, in a source that is parsed.
pub(crate) const MAX_SOURCE_OPERATORS: usize = 600;

/// Deepest nesting of generic arguments in a source that is parsed.
pub(crate) const MAX_SOURCE_ANGLES: usize = 100;

/// Longest source file in bytes that is parsed.
pub(crate) const MAX_SOURCE_LEN: u64 = 16 << 20;

/// Most source files of one crate that are parsed.
pub(crate) const MAX_SOURCE_FILES: usize = 20_000;

/// Longest lock file in bytes that is read.
pub(crate) const MAX_LOCK_LEN: u64 = 256 << 20;

/// Longest samestate.toml in bytes that is read.
pub(crate) const MAX_SETTINGS_LEN: u64 = 4 << 20;

/// How deep calls of macros may lie in what macros make.
pub(crate) const MAX_MACRO_DEPTH: usize = 32;

/// How many tokens are read and made in all for the macros that one file calls.
pub(crate) const MAX_MACRO_TOKENS: usize = 1 << 22;
