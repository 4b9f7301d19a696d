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
    static __SAMESTATE_RECORD: ::samestate::__private::Record<
        Machine,
        __SAMESTATE_LEN,
    > = ::samestate::__private::Record::new(
        ::samestate::__private::assemble::<
            __SAMESTATE_LEN,
        >(
            1u16,
            ::core::line!(),
            ::core::column!(),
            __SAMESTATE_MODULE,
            __SAMESTATE_FILE,
            __SAMESTATE_BODY,
        ),
    );
    #[automatically_derived]
    impl ::samestate::Checkpoint for Machine {
        const MIN_LEN: usize = 0 + <Cpu as ::samestate::Checkpoint>::MIN_LEN;
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            let Self {
                cpu: ref field_cpu,
                cache: _,
                seven: _,
                second: _,
                first: _,
                log: _,
            } = *self;
            <Cpu as ::samestate::Checkpoint>::save(field_cpu, saver)?;
            ::samestate::__private::Result::Ok(())
        }
        fn restore(
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            let _ = &restorer;
            let field_cpu = <Cpu as ::samestate::Checkpoint>::restore(restorer)?;
            let field_cache = <Cache as ::core::default::Default>::default();
            let field_seven: u8 = 7;
            let field_log = restorer.external::<Log>("log")?;
            let field_first: u8 = ::samestate::__private::rebuilt(
                restorer,
                "Machine.first",
                first(&field_cpu, &field_seven),
            )?;
            let field_second: u8 = ::samestate::__private::rebuilt(
                restorer,
                "Machine.second",
                Self::second(&field_first),
            )?;
            ::samestate::__private::Result::Ok(Self {
                cpu: field_cpu,
                cache: field_cache,
                seven: field_seven,
                second: field_second,
                first: field_first,
                log: field_log,
            })
        }
        const MAY_KEEP: bool = true;
        fn stage(
            &self,
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<
            ::samestate::Assignment<Self>,
            ::samestate::RestoreError,
        > {
            let Self {
                cpu: ref running_cpu,
                cache: _,
                seven: _,
                second: _,
                first: _,
                log: _,
            } = *self;
            let field_cpu = <Cpu as ::samestate::Checkpoint>::restore_for(
                ::samestate::__private::Option::Some(running_cpu),
                restorer,
            )?;
            let field_cache = <Cache as ::core::default::Default>::default();
            let field_seven: u8 = 7;
            let field_log = restorer.external_if_given::<Log>("log")?;
            let field_first: u8 = ::samestate::__private::rebuilt(
                restorer,
                "Machine.first",
                first(&field_cpu, &field_seven),
            )?;
            let field_second: u8 = ::samestate::__private::rebuilt(
                restorer,
                "Machine.second",
                Self::second(&field_first),
            )?;
            ::samestate::__private::Result::Ok(
                ::samestate::Assignment::new(move |this: &mut Self| {
                    this.cpu = field_cpu;
                    this.cache = field_cache;
                    this.seven = field_seven;
                    this.second = field_second;
                    this.first = field_first;
                    if let ::samestate::__private::Option::Some(given) = field_log {
                        this.log = given;
                    }
                }),
            )
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .structure::<Self>("Engine")
                .version(3u32)
                .shape(::samestate::__private::Shape::Named)
                .described("cpu", <Cpu as ::samestate::Checkpoint>::describe)
                .skipped("cache", ::samestate::__private::SkipPolicy::Default)
                .skipped("seven", ::samestate::__private::SkipPolicy::Value)
                .rebuilt("second")
                .rebuilt("first")
                .external::<Log>("log", "log")
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
