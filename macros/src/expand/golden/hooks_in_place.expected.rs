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
    static __SAMESTATE_RECORD: ::samestate::__private::Record<Device, __SAMESTATE_LEN> = ::samestate::__private::Record::new(
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
    impl ::samestate::Checkpoint for Device {
        const MIN_LEN: usize = ::samestate::__private::variant_len(2usize);
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            match *self {
                Self::On { 0: _ } => {
                    ::samestate::__private::save_variant(saver, 0u32, 2usize);
                }
                Self::Off {} => {
                    ::samestate::__private::save_variant(saver, 1u32, 2usize);
                }
            }
            ::samestate::__private::Result::Ok(())
        }
        fn restore(
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            <Self as ::samestate::Checkpoint>::restore_for(
                ::samestate::__private::Option::None,
                restorer,
            )
        }
        fn restore_for(
            running: ::samestate::__private::Option<&Self>,
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            let _ = running;
            ::samestate::__private::hooked_restore(
                restorer,
                |restorer| ::samestate::__private::restore_hook(
                    restorer,
                    "Device",
                    "before_restore",
                    Self::ready(running),
                ),
                |_| (),
                |restorer| {
                    match ::samestate::__private::variant(restorer, 2usize)? {
                        0u32 => {
                            ::samestate::__private::Result::Err(
                                restorer.nothing_to_keep("Device::On.0"),
                            )
                        }
                        _ => ::samestate::__private::Result::Ok(Self::Off {}),
                    }
                },
            )
        }
        const MAY_KEEP: bool = true;
        fn stage(
            &self,
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<
            ::samestate::Assignment<Self>,
            ::samestate::RestoreError,
        > {
            ::samestate::__private::hooked_restore(
                restorer,
                |restorer| ::samestate::__private::restore_hook(
                    restorer,
                    "Device",
                    "before_restore",
                    Self::ready(::samestate::__private::Option::Some(self)),
                ),
                |_| (),
                |restorer| {
                    match *self {
                        Self::On {
                            0: _,
                        } if ::samestate::__private::variant_is(
                            restorer,
                            2usize,
                            0u32,
                        )? => {
                            ::samestate::__private::Result::Ok(
                                ::samestate::Assignment::new(move |this: &mut Self| {
                                    match *this {
                                        Self::On { 0: _ } => {}
                                        _ => {}
                                    }
                                }),
                            )
                        }
                        _ => {
                            let restored: ::samestate::__private::Result<
                                Self,
                                ::samestate::RestoreError,
                            > = {
                                match ::samestate::__private::variant(restorer, 2usize)? {
                                    0u32 => {
                                        ::samestate::__private::Result::Err(
                                            restorer.nothing_to_keep("Device::On.0"),
                                        )
                                    }
                                    _ => ::samestate::__private::Result::Ok(Self::Off {}),
                                }
                            };
                            let value = restored?;
                            ::samestate::__private::Result::Ok(
                                ::samestate::Assignment::new(move |this: &mut Self| {
                                    *this = value;
                                }),
                            )
                        }
                    }
                },
            )
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .enumeration::<Self>("Device")
                .version(1u32)
                .variant(
                    "On",
                    ::samestate::__private::Option::None,
                    ::samestate::__private::Shape::Tuple,
                    |fields| {
                        let _ = fields
                            .skipped("0", ::samestate::__private::SkipPolicy::Keep);
                    },
                )
                .variant(
                    "Off",
                    ::samestate::__private::Option::None,
                    ::samestate::__private::Shape::Unit,
                    |fields| {
                        let _ = fields;
                    },
                )
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
