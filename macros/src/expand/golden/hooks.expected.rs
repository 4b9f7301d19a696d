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
            0u16,
            ::core::line!(),
            ::core::column!(),
            __SAMESTATE_MODULE,
            __SAMESTATE_FILE,
            __SAMESTATE_BODY,
        ),
    );
    #[automatically_derived]
    impl ::samestate::Checkpoint for Device {
        const MIN_LEN: usize = 0 + <u8 as ::samestate::Checkpoint>::MIN_LEN;
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            ::samestate::__private::hooked_save(
                saver,
                || ::samestate::__private::before_save("Device", check(self)),
                |saved| Self::saved(self, saved),
                |saver| {
                    let Self { 0: ref field_0 } = *self;
                    <u8 as ::samestate::Checkpoint>::save(field_0, saver)?;
                    ::samestate::__private::Result::Ok(())
                },
            )
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
                    ready(running),
                ),
                |error| Self::failed(running, error),
                |restorer| {
                    let restored: ::samestate::__private::Result<
                        Self,
                        ::samestate::RestoreError,
                    > = {
                        let field_0 = <u8 as ::samestate::Checkpoint>::restore(
                            restorer,
                        )?;
                        ::samestate::__private::Result::Ok(Self { 0: field_0 })
                    };
                    let mut value = restored?;
                    ::samestate::__private::after_restore(
                        restorer,
                        "Device",
                        &mut value,
                        |value: &mut Self| Self::fix(value),
                    )?;
                    ::samestate::__private::Result::Ok(value)
                },
            )
        }
        fn restore_failed(
            running: ::samestate::__private::Option<&Self>,
            error: &::samestate::RestoreError,
        ) {
            Self::failed(running, error)
        }
        const MAY_KEEP: bool = true;
        fn stage(
            &self,
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<
            ::samestate::Assignment<Self>,
            ::samestate::RestoreError,
        > {
            let value = <Self as ::samestate::Checkpoint>::restore_for(
                ::samestate::__private::Option::Some(self),
                restorer,
            )?;
            ::samestate::__private::Result::Ok(
                ::samestate::Assignment::new(move |this: &mut Self| {
                    *this = value;
                }),
            )
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .structure::<Self>("Device")
                .version(2u32)
                .shape(::samestate::__private::Shape::Tuple)
                .described("0", <u8 as ::samestate::Checkpoint>::describe)
                .migrated(::samestate::__private::From {
                    schema: ::samestate::__private::chunk::<Old>,
                    convert: |image, whole| {
                        let made: Self = ::samestate::__private::try_converted::<
                            Old,
                            Self,
                            _,
                        >(image, Self::from_old)?;
                        let save = <Self as ::samestate::Checkpoint>::save;
                        ::samestate::__private::encoded::<Self>(&made, save, whole)
                    },
                })
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
