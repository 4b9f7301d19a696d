//! Renderers: one file each, all of the same [`Report`](crate::Report).

pub mod json;
pub mod text;
