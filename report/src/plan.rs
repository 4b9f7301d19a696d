//! What a converter of older images has to do.

/// What has to be done with the older form of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// The type, by its qualified name in the new version.
    pub ty: String,
    /// The steps, in the order of their parts.
    pub steps: Vec<ConversionStep>,
}

/// One step of a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversionStep {
    /// The field or the variant, by its name in the new version if it is there; empty for the type as
    /// a whole.
    pub part: String,
    /// `fill` what the image does not hold, `drop` what the program has no use for, `rename`, `move`,
    /// `reorder`, or `convert` a value to another type.
    pub action: String,
    /// What the image holds: a type, a name, a treatment, or an order; `None` if nothing.
    pub image: Option<String>,
    /// What the program has, in the same way.
    pub program: Option<String>,
    /// Whether anything is left to be told.
    pub told: Told,
}

/// Whether the program tells how a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Its attributes do, and the step is done when an older image is loaded.
    Yes,
    /// Nothing does: whoever writes a converter must.
    No,
    /// There is nothing to tell: older images load as they are.
    Needless,
}

impl Told {
    /// The word for it in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Needless => "needless",
        }
    }
}
