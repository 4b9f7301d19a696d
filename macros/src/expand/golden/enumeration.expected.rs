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
            12u16,
            ::core::line!(),
            ::core::column!(),
            __SAMESTATE_MODULE,
            __SAMESTATE_FILE,
            __SAMESTATE_BODY,
        ),
    );
    #[automatically_derived]
    impl<T, const N: usize> ::samestate::Checkpoint for Tree<T, N>
    where
        T: Clone,
        T: 'static,
        [T; N]: ::samestate::Checkpoint,
        Option<T>: ::core::default::Default,
        T: ::samestate::Checkpoint,
    {
        const MIN_LEN: usize = ::samestate::__private::variant_len(3usize);
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            match *self {
                Self::Empty {} => {
                    ::samestate::__private::save_variant(saver, 0u32, 3usize);
                }
                Self::Leaf { 0: ref field_0, 1: _ } => {
                    ::samestate::__private::save_variant(saver, 1u32, 3usize);
                    <[T; N] as ::samestate::Checkpoint>::save(field_0, saver)?;
                }
                Self::Fork { children: ref field_children, r#type: ref field_type } => {
                    ::samestate::__private::save_variant(saver, 2u32, 3usize);
                    <Vec<
                        Tree<T, N>,
                    > as ::samestate::Checkpoint>::save(field_children, saver)?;
                    <u8 as ::samestate::Checkpoint>::save(field_type, saver)?;
                }
            }
            ::samestate::__private::Result::Ok(())
        }
        fn restore(
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            let _ = &restorer;
            match ::samestate::__private::variant(restorer, 3usize)? {
                0u32 => ::samestate::__private::Result::Ok(Self::Empty {}),
                1u32 => {
                    let field_0 = <[T; N] as ::samestate::Checkpoint>::restore(
                        restorer,
                    )?;
                    let field_1 = <Option<T> as ::core::default::Default>::default();
                    ::samestate::__private::Result::Ok(Self::Leaf {
                        0: field_0,
                        1: field_1,
                    })
                }
                _ => {
                    let field_children = <Vec<
                        Tree<T, N>,
                    > as ::samestate::Checkpoint>::restore(restorer)?;
                    let field_type = <u8 as ::samestate::Checkpoint>::restore(restorer)?;
                    ::samestate::__private::Result::Ok(Self::Fork {
                        children: field_children,
                        r#type: field_type,
                    })
                }
            }
        }
        const MAY_KEEP: bool = false || <[T; N] as ::samestate::Checkpoint>::MAY_KEEP
            || <Vec<Tree<T, N>> as ::samestate::Checkpoint>::MAY_KEEP
            || <u8 as ::samestate::Checkpoint>::MAY_KEEP;
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
                Self::Leaf {
                    0: ref running_0,
                    1: _,
                } if ::samestate::__private::variant_is(restorer, 3usize, 1u32)? => {
                    let field_0 = <[T; N] as ::samestate::Checkpoint>::stage(
                        running_0,
                        restorer,
                    )?;
                    let field_1 = <Option<T> as ::core::default::Default>::default();
                    ::samestate::__private::Result::Ok(
                        ::samestate::Assignment::new(move |this: &mut Self| {
                            match *this {
                                Self::Leaf {
                                    0: ref mut running_0,
                                    1: ref mut running_1,
                                } => {
                                    field_0.apply(&mut *running_0);
                                    *running_1 = field_1;
                                }
                                _ => {}
                            }
                        }),
                    )
                }
                Self::Fork {
                    children: ref running_children,
                    r#type: ref running_type,
                } if ::samestate::__private::variant_is(restorer, 3usize, 2u32)? => {
                    let field_children = <Vec<
                        Tree<T, N>,
                    > as ::samestate::Checkpoint>::stage(running_children, restorer)?;
                    let field_type = <u8 as ::samestate::Checkpoint>::stage(
                        running_type,
                        restorer,
                    )?;
                    ::samestate::__private::Result::Ok(
                        ::samestate::Assignment::new(move |this: &mut Self| {
                            match *this {
                                Self::Fork {
                                    children: ref mut running_children,
                                    r#type: ref mut running_type,
                                } => {
                                    field_children.apply(&mut *running_children);
                                    field_type.apply(&mut *running_type);
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
                .enumeration::<Self>("Tree")
                .version(1u32)
                .variant(
                    "Empty",
                    ::samestate::__private::Option::None,
                    ::samestate::__private::Shape::Unit,
                    |fields| {
                        let _ = fields;
                    },
                )
                .variant(
                    "Leaf",
                    ::samestate::__private::Option::None,
                    ::samestate::__private::Shape::Tuple,
                    |fields| {
                        let _ = fields
                            .described(
                                "0",
                                <[T; N] as ::samestate::Checkpoint>::describe,
                            )
                            .skipped("1", ::samestate::__private::SkipPolicy::Default);
                    },
                )
                .variant(
                    "Fork",
                    ::samestate::__private::Option::None,
                    ::samestate::__private::Shape::Named,
                    |fields| {
                        let _ = fields
                            .described(
                                "children",
                                <Vec<Tree<T, N>> as ::samestate::Checkpoint>::describe,
                            )
                            .described(
                                "type",
                                <u8 as ::samestate::Checkpoint>::describe,
                            );
                    },
                )
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
