//! Renderers: one file each, all of the same [`Report`](crate::Report).

pub mod github;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;
