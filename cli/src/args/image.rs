//! Commands that look into images.

use std::path::PathBuf;

use clap::Subcommand;
use samestate_schema::path::FieldPath;

/// `samestate image`
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// What the image is: who wrote it when, its types, its parts and their sizes.
    Show {
        /// The image.
        file: PathBuf,
    },
    /// The values, a line per field.
    Tree {
        /// The image.
        file: PathBuf,
        /// Only what lies at or below this field path.
        #[arg(long, value_name = "PATH")]
        at: Option<String>,
    },
    /// What differs between the values of two images, by field path.
    Diff {
        /// The first image.
        left: PathBuf,
        /// The second image.
        right: PathBuf,
    },
    /// The values, or those at and below a field path, as JSON.
    Extract {
        /// The image.
        file: PathBuf,
        /// Only what lies at or below this field path.
        #[arg(long, value_name = "PATH")]
        at: Option<String>,
    },
    /// How many bytes each field takes, the largest first.
    Sizes {
        /// The image.
        file: PathBuf,
    },
    /// Write a copy that leaves fields out. Its types tell; a program that saves such a field refuses
    /// it, unless the field has `since` and `default`.
    Filter {
        /// The image.
        file: PathBuf,
        /// A field to leave out, such as `sim::Machine.cpu.log`, or `Cpu.log` wherever a `Cpu` is;
        /// may be given several times.
        #[arg(long, required = true, value_name = "PATH")]
        without: Vec<FieldPath>,
        /// Where to write the copy.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Check every checksum and every value.
    Verify {
        /// The image.
        file: PathBuf,
    },
}
