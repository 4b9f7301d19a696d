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
    static __SAMESTATE_RECORD: ::samestate::__private::Record<Uart, __SAMESTATE_LEN> = ::samestate::__private::Record::new(
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
    const _: () = {
        static CASTS: ::samestate::__private::Casts<dyn Device> = ::samestate::__private::Casts {
            restore_box: |restorer| {
                ::samestate::__private::Result::Ok(
                    <Uart as ::samestate::Pointee>::restore_box(restorer)?,
                )
            },
            restore_rc: |restorer, place| {
                let object = ::samestate::__private::build_rc::<
                    Uart,
                    ::samestate::__private::RcWeak<dyn Device>,
                >(restorer, place, |weak| weak)?;
                ::samestate::__private::Result::Ok(object)
            },
            restore_arc: |restorer, place| {
                let object = ::samestate::__private::build_arc::<
                    Uart,
                    ::samestate::__private::ArcWeak<dyn Device>,
                >(restorer, place, |weak| weak)?;
                ::samestate::__private::Result::Ok(object)
            },
            dangling_rc: || ::samestate::__private::RcWeak::<Uart>::new(),
            dangling_arc: || ::samestate::__private::ArcWeak::<Uart>::new(),
        };
        static IMPLEMENTER: ::samestate::__private::Implementer = ::samestate::__private::Implementer::new::<
            Uart,
        >("uart", &CASTS);
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
                target_os = "fuchsia"
            ),
            unsafe(link_section = "samestate_impl")
        )]
        #[cfg_attr(
            target_vendor = "apple",
            unsafe(link_section = "__DATA,smstate_impl")
        )]
        static SLOT: ::samestate::__private::Slot = ::samestate::__private::Option::Some(
            &IMPLEMENTER,
        );
    };
    #[automatically_derived]
    impl ::samestate::Checkpoint for Uart {
        const MIN_LEN: usize = 0;
        const FIXED_LEN: ::samestate::__private::Option<usize> = ::samestate::__private::fixed_len(
            &[],
        );
        #[inline]
        fn put_fixed(value: &Self, out: &mut [u8]) {
            let Self {} = *value;
            let _ = out;
        }
        #[inline]
        fn get_fixed(mut bytes: &[u8], valid: &mut bool) -> Self {
            let _ = (&mut bytes, &valid);
            Self {}
        }
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            if ::samestate::__private::save_fixed(saver, self) {
                return ::samestate::__private::Result::Ok(());
            }
            let Self {} = *self;
            ::samestate::__private::Result::Ok(())
        }
        fn restore(
            restorer: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            let _ = &restorer;
            if let ::samestate::__private::Option::Some(value) = ::samestate::__private::restore_fixed::<
                Self,
            >(restorer) {
                return ::samestate::__private::Result::Ok(value);
            }
            ::samestate::__private::Result::Ok(Self {})
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .structure::<Self>("Uart")
                .version(1u32)
                .shape(::samestate::__private::Shape::Unit)
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
