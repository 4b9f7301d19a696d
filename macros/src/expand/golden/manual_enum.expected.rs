#[doc(hidden)]
const _: () = {
    const __SAMESTATE_MODULE: &str = ::core::module_path!();
    const __SAMESTATE_FILE: &str = ::core::file!();
    const __SAMESTATE_BODY: &[u8] = b"…";
    const __SAMESTATE_LEN: usize = ::samestate::__private::assembled_len(
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
    static __SAMESTATE_RECORD: ::samestate::__private::Record<(), __SAMESTATE_LEN> = ::samestate::__private::Record::new(
        ::samestate::__private::assemble::<
            __SAMESTATE_LEN,
        >(
            14u16,
            ::core::line!(),
            ::core::column!(),
            __SAMESTATE_MODULE,
            __SAMESTATE_FILE,
            __SAMESTATE_BODY,
        ),
    );
};
///The saved fields of [`Job`]. Name them all when saving, and when restoring.
#[allow(dead_code)]
enum JobFields<F0, F1> {
    Idle,
    Running { queue: F0 },
    Failed(F1),
}
#[allow(dead_code)]
impl<T: Ord> Job<T>
where
    T: Send,
{
    /// The fields to save.
    fn saved_fields<'saver>(
        &'saver self,
    ) -> JobFields<&'saver BinaryHeap<T>, &'saver String> {
        match *self {
            Self::Idle {} => JobFields::Idle,
            Self::Running { queue: ref field_queue, last: _ } => {
                JobFields::Running {
                    queue: field_queue,
                }
            }
            Self::Failed { 0: _, 1: ref field_1 } => JobFields::Failed(field_1),
        }
    }
    /// The whole value from the fields that were restored.
    fn from_restored(
        fields: JobFields<BinaryHeap<T>, String>,
        restorer: &mut ::samestate::Restorer<'_>,
    ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError>
    where
        T: 'static,
        Option<T>: ::core::default::Default,
    {
        let _ = &restorer;
        match fields {
            JobFields::Idle => ::samestate::__private::Result::Ok(Self::Idle {}),
            JobFields::Running { queue: field_queue } => {
                let field_last = <Option<T> as ::core::default::Default>::default();
                ::samestate::__private::Result::Ok(Self::Running {
                    queue: field_queue,
                    last: field_last,
                })
            }
            JobFields::Failed(field_1) => {
                let field_0: u8 = 0;
                ::samestate::__private::Result::Ok(Self::Failed {
                    0: field_0,
                    1: field_1,
                })
            }
        }
    }
    /// The description of all fields, if `save` writes the saved ones in their order.
    fn schema_of_fields(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef
    where
        T: 'static,
        BinaryHeap<T>: ::samestate::Checkpoint,
        Self: ::samestate::Checkpoint,
    {
        schema
            .enumeration::<Self>("Job")
            .version(1u32)
            .variant(
                "Idle",
                ::samestate::__private::Option::None,
                ::samestate::__private::Shape::Unit,
                |fields| {
                    let _ = fields;
                },
            )
            .variant(
                "Running",
                ::samestate::__private::Option::None,
                ::samestate::__private::Shape::Named,
                |fields| {
                    let _ = fields
                        .described(
                            "queue",
                            <BinaryHeap<T> as ::samestate::Checkpoint>::describe,
                        )
                        .skipped("last", ::samestate::__private::SkipPolicy::Default);
                },
            )
            .variant(
                "Failed",
                ::samestate::__private::Option::None,
                ::samestate::__private::Shape::Tuple,
                |fields| {
                    let _ = fields
                        .skipped("0", ::samestate::__private::SkipPolicy::Value)
                        .described("1", <String as ::samestate::Checkpoint>::describe);
                },
            )
            .finish()
    }
}
///Which variant of [`Job`].
#[allow(dead_code)]
enum JobVariant {
    Idle,
    Running,
    Failed,
}
#[allow(dead_code)]
impl<T: Ord> Job<T>
where
    T: Send,
{
    /// Saves which variant it is. The fields come after that.
    fn save_variant(&self, saver: &mut ::samestate::Saver<'_>) {
        let number: u32 = match *self {
            Self::Idle { .. } => 0u32,
            Self::Running { .. } => 1u32,
            Self::Failed { .. } => 2u32,
        };
        ::samestate::__private::save_variant(saver, number, 3usize);
    }
    /// Restores which variant it is.
    fn restore_variant(
        restorer: &mut ::samestate::Restorer<'_>,
    ) -> ::samestate::__private::Result<JobVariant, ::samestate::RestoreError> {
        match ::samestate::__private::variant(restorer, 3usize)? {
            0u32 => ::samestate::__private::Result::Ok(JobVariant::Idle),
            1u32 => ::samestate::__private::Result::Ok(JobVariant::Running),
            2u32 => ::samestate::__private::Result::Ok(JobVariant::Failed),
            _ => ::samestate::__private::Result::Err(restorer.bad_value("variant")),
        }
    }
}
