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
            4u16,
            ::core::line!(),
            ::core::column!(),
            __SAMESTATE_MODULE,
            __SAMESTATE_FILE,
            __SAMESTATE_BODY,
        ),
    );
    #[automatically_derived]
    impl<T> ::samestate::Checkpoint for Fields<T>
    where
        T: 'static,
        T: ::samestate::Checkpoint,
    {
        const MIN_LEN: usize = 0 + <u16 as ::samestate::Checkpoint>::MIN_LEN;
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            let Self {
                foreign: ref field_foreign,
                uptime: ref field_uptime,
                both: ref field_both,
                last: ref field_last,
            } = *self;
            ::samestate::__private::save_with::<
                Foreign,
            >(crate::codec::save, field_foreign, saver)?;
            saver
                .volatile(|saver| <T as ::samestate::Checkpoint>::save(
                    field_uptime,
                    saver,
                ))?;
            saver
                .volatile(|saver| ::samestate::__private::save_with::<
                    Foreign,
                >(codec::save, field_both, saver))?;
            <u16 as ::samestate::Checkpoint>::save(field_last, saver)?;
            ::samestate::__private::Result::Ok(())
        }
        fn restore(
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            let _ = &restorer;
            let field_foreign = ::samestate::__private::restore_with::<
                Foreign,
            >(crate::codec::restore, restorer)?;
            let field_uptime = restorer
                .volatile(|restorer| <T as ::samestate::Checkpoint>::restore(restorer))?;
            let field_both = restorer
                .volatile(|restorer| ::samestate::__private::restore_with::<
                    Foreign,
                >(codec::restore, restorer))?;
            let field_last = <u16 as ::samestate::Checkpoint>::restore(restorer)?;
            ::samestate::__private::Result::Ok(Self {
                foreign: field_foreign,
                uptime: field_uptime,
                both: field_both,
                last: field_last,
            })
        }
        const MAY_KEEP: bool = false || <T as ::samestate::Checkpoint>::MAY_KEEP
            || <u16 as ::samestate::Checkpoint>::MAY_KEEP;
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
            let Self {
                foreign: _,
                uptime: ref running_uptime,
                both: _,
                last: ref running_last,
            } = *self;
            let field_foreign = ::samestate::__private::restore_with::<
                Foreign,
            >(crate::codec::restore, restorer)?;
            let field_uptime = restorer
                .volatile(|restorer| <T as ::samestate::Checkpoint>::stage(
                    running_uptime,
                    restorer,
                ))?;
            let field_both = restorer
                .volatile(|restorer| ::samestate::__private::restore_with::<
                    Foreign,
                >(codec::restore, restorer))?;
            let field_last = <u16 as ::samestate::Checkpoint>::stage(
                running_last,
                restorer,
            )?;
            ::samestate::__private::Result::Ok(
                ::samestate::Assignment::new(move |this: &mut Self| {
                    this.foreign = field_foreign;
                    field_uptime.apply(&mut this.uptime);
                    this.both = field_both;
                    field_last.apply(&mut this.last);
                }),
            )
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .structure::<Self>("Fields")
                .version(2u32)
                .shape(::samestate::__private::Shape::Named)
                .described("foreign", crate::codec::schema)
                .described_volatile("uptime", <T as ::samestate::Checkpoint>::describe)
                .described_volatile("both", codec::schema)
                .since(
                    2,
                    |whole| {
                        let made: Foreign = Foreign::new();
                        ::samestate::__private::encoded::<
                            Foreign,
                        >(&made, codec::save, whole)
                    },
                )
                .described("last", <u16 as ::samestate::Checkpoint>::describe)
                .from_type(::samestate::__private::From {
                    schema: ::samestate::__private::chunk::<u8>,
                    convert: |image, whole| {
                        let made = ::samestate::__private::try_converted::<
                            u8,
                            u16,
                            _,
                        >(image, wide)?;
                        ::samestate::__private::encoded::<
                            u16,
                        >(&made, <u16 as ::samestate::Checkpoint>::save, whole)
                    },
                })
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
