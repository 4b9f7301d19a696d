#[doc(hidden)]
const _: () = {
    const __SAMESTATE_MODULE: &str = ::core::module_path!();
    const __SAMESTATE_FILE: &str = ::core::file!();
    const __SAMESTATE_BODY: &[u8] = b"…";
    const __SAMESTATE_LEN: usize = crate::samestate::__private::assembled_len(
        __SAMESTATE_MODULE,
        __SAMESTATE_FILE,
        __SAMESTATE_BODY,
    );
    #[used]
    #[cfg_attr(
        any(
            target_os = "linux",
            target_os = "android",
            target_os = "freebsd",
            target_os = "netbsd",
            target_os = "openbsd",
            target_os = "dragonfly",
            target_os = "illumos",
            target_os = "solaris",
            target_os = "fuchsia",
            target_os = "none"
        ),
        unsafe(link_section = "samestate")
    )]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,samestate"))]
    #[cfg_attr(windows, unsafe(link_section = ".smstate"))]
    static __SAMESTATE_RECORD: crate::samestate::__private::Record<
        Rng,
        __SAMESTATE_LEN,
    > = crate::samestate::__private::Record::new(
        crate::samestate::__private::assemble::<
            __SAMESTATE_LEN,
        >(
            2u16,
            ::core::line!(),
            ::core::column!(),
            __SAMESTATE_MODULE,
            __SAMESTATE_FILE,
            __SAMESTATE_BODY,
        ),
    );
};
///The saved fields of [`Rng`]. Name them all when saving.
#[allow(dead_code)]
struct RngSaved<'s> {
    state: &'s u64,
}
///The saved fields of [`Rng`]. Name them all when restoring.
#[allow(dead_code)]
struct RngRestored {
    state: u64,
}
#[allow(dead_code)]
impl Rng {
    /// The fields to save.
    fn saved_fields(&self) -> RngSaved<'_> {
        let Self { state: field_state, draws: _ } = self;
        RngSaved { state: field_state }
    }
    /// The whole value from the fields that were restored.
    fn from_restored(
        fields: RngRestored,
        restorer: &mut crate::samestate::Restorer<'_>,
    ) -> crate::samestate::__private::Result<Self, crate::samestate::RestoreError> {
        let _ = &restorer;
        let RngRestored { state: field_state } = fields;
        let field_draws = <u64 as ::core::default::Default>::default();
        crate::samestate::__private::Result::Ok(Self {
            state: field_state,
            draws: field_draws,
        })
    }
    /// The description of all fields, if `save` writes the saved ones in their order.
    fn schema_of_fields(
        schema: &mut crate::samestate::SchemaBuilder,
    ) -> crate::samestate::TypeRef {
        schema
            .structure::<Self>("Rng")
            .version(1u32)
            .shape(crate::samestate::__private::Shape::Named)
            .described("state", <u64 as crate::samestate::Checkpoint>::describe)
            .skipped("draws", crate::samestate::__private::SkipPolicy::Default)
            .finish()
    }
}
