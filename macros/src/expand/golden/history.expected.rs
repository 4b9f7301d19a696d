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
    static __SAMESTATE_RECORD: ::samestate::__private::Record<Kind, __SAMESTATE_LEN> = ::samestate::__private::Record::new(
        ::samestate::__private::assemble::<
            __SAMESTATE_LEN,
        >(
            8u16,
            ::core::line!(),
            ::core::column!(),
            __SAMESTATE_MODULE,
            __SAMESTATE_FILE,
            __SAMESTATE_BODY,
        ),
    );
    #[automatically_derived]
    impl ::samestate::Checkpoint for Kind {
        const MIN_LEN: usize = ::samestate::__private::variant_len(2usize);
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            match *self {
                Self::Off {} => {
                    ::samestate::__private::save_variant(saver, 0u32, 2usize);
                }
                Self::On { late: ref field_late, renamed: ref field_renamed } => {
                    ::samestate::__private::save_variant(saver, 1u32, 2usize);
                    <u8 as ::samestate::Checkpoint>::save(field_late, saver)?;
                    <f64 as ::samestate::Checkpoint>::save(field_renamed, saver)?;
                }
            }
            ::samestate::__private::Result::Ok(())
        }
        fn restore(
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            let _ = &restorer;
            match ::samestate::__private::variant(restorer, 2usize)? {
                0u32 => ::samestate::__private::Result::Ok(Self::Off {}),
                _ => {
                    let field_late = <u8 as ::samestate::Checkpoint>::restore(restorer)?;
                    let field_renamed = <f64 as ::samestate::Checkpoint>::restore(
                        restorer,
                    )?;
                    ::samestate::__private::Result::Ok(Self::On {
                        late: field_late,
                        renamed: field_renamed,
                    })
                }
            }
        }
        const MAY_KEEP: bool = false || <u8 as ::samestate::Checkpoint>::MAY_KEEP
            || <f64 as ::samestate::Checkpoint>::MAY_KEEP;
        fn stage(
            &self,
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<
            ::samestate::Assignment<Self>,
            ::samestate::RestoreError,
        > {
            if !<Self as ::samestate::Checkpoint>::MAY_KEEP {
                return ::samestate::Assignment::whole(restorer);
            }
            match *self {
                Self::On {
                    late: ref running_late,
                    renamed: ref running_renamed,
                } if ::samestate::__private::variant_is(restorer, 2usize, 1u32)? => {
                    let field_late = <u8 as ::samestate::Checkpoint>::stage(
                        running_late,
                        restorer,
                    )?;
                    let field_renamed = <f64 as ::samestate::Checkpoint>::stage(
                        running_renamed,
                        restorer,
                    )?;
                    ::samestate::__private::Result::Ok(
                        ::samestate::Assignment::new(move |this: &mut Self| {
                            match *this {
                                Self::On {
                                    late: ref mut running_late,
                                    renamed: ref mut running_renamed,
                                } => {
                                    field_late.apply(&mut *running_late);
                                    field_renamed.apply(&mut *running_renamed);
                                }
                                _ => {}
                            }
                        }),
                    )
                }
                _ => ::samestate::Assignment::whole(restorer),
            }
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .enumeration::<Self>("Kind")
                .version(3u32)
                .variant(
                    "Off",
                    ::samestate::__private::Option::Some(7u32),
                    ::samestate::__private::Shape::Unit,
                    |fields| {
                        let _ = fields;
                    },
                )
                .variant_since(2)
                .variant_was("Before")
                .variant(
                    "On",
                    ::samestate::__private::Option::None,
                    ::samestate::__private::Shape::Named,
                    |fields| {
                        let _ = fields
                            .described("late", <u8 as ::samestate::Checkpoint>::describe)
                            .since(
                                3,
                                |whole| {
                                    let made: u8 = 7;
                                    ::samestate::__private::encoded::<
                                        u8,
                                    >(&made, <u8 as ::samestate::Checkpoint>::save, whole)
                                },
                            )
                            .described(
                                "renamed",
                                <f64 as ::samestate::Checkpoint>::describe,
                            )
                            .was("x")
                            .was("y")
                            .from_type(::samestate::__private::From {
                                schema: ::samestate::__private::chunk::<f32>,
                                convert: |image, whole| {
                                    let made = ::samestate::__private::converted::<
                                        f32,
                                        f64,
                                    >(image, f64::from)?;
                                    ::samestate::__private::encoded::<
                                        f64,
                                    >(&made, <f64 as ::samestate::Checkpoint>::save, whole)
                                },
                            });
                    },
                )
                .type_was("Old")
                .removed("gone")
                .removed("On.level")
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
