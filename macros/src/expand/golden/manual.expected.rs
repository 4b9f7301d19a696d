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
///The saved fields of [`Rng`]. Name them all when saving, and when restoring.
#[allow(dead_code)]
struct RngFields<F0> {
    state: F0,
}
#[allow(dead_code)]
impl Rng {
    /// The fields to save.
    fn saved_fields<'saver>(&'saver self) -> RngFields<&'saver u64> {
        match *self {
            Self { state: ref field_state, draws: _ } => RngFields { state: field_state },
        }
    }
    /// The whole value from the fields that were restored.
    fn from_restored(
        fields: RngFields<u64>,
        restorer: &mut crate::samestate::Restorer<'_>,
    ) -> crate::samestate::__private::Result<Self, crate::samestate::RestoreError> {
        let _ = &restorer;
        match fields {
            RngFields { state: field_state } => {
                let field_draws = <u64 as ::core::default::Default>::default();
                crate::samestate::__private::Result::Ok(Self {
                    state: field_state,
                    draws: field_draws,
                })
            }
        }
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
