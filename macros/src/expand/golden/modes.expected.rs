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
    static __SAMESTATE_RECORD: ::samestate::__private::Record<Mode, __SAMESTATE_LEN> = ::samestate::__private::Record::new(
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
    impl ::samestate::Checkpoint for Mode {
        const MIN_LEN: usize = ::samestate::__private::variant_len(2usize);
        const FIXED_LEN: ::samestate::__private::Option<usize> = ::samestate::__private::Option::Some(
            ::samestate::__private::variant_len(2usize),
        );
        #[inline]
        fn put_fixed(value: &Self, out: &mut [u8]) {
            let number: u32 = match *value {
                Self::Off {} => 0u32,
                Self::On {} => 1u32,
            };
            ::samestate::__private::put_variant(number, out);
            let _ = out;
        }
        #[inline]
        fn get_fixed(mut bytes: &[u8], valid: &mut bool) -> Self {
            let _ = (&mut bytes, &valid);
            match ::samestate::__private::get_variant(bytes) {
                0u32 => Self::Off {},
                1u32 => Self::On {},
                _ => {
                    *valid = false;
                    Self::On {}
                }
            }
        }
        fn save<'saver>(
            &'saver self,
            saver: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            let _ = &saver;
            if ::samestate::__private::save_fixed(saver, self) {
                return ::samestate::__private::Result::Ok(());
            }
            match *self {
                Self::Off {} => {
                    ::samestate::__private::save_variant(saver, 0u32, 2usize);
                }
                Self::On {} => {
                    ::samestate::__private::save_variant(saver, 1u32, 2usize);
                }
            }
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
            match ::samestate::__private::variant(restorer, 2usize)? {
                0u32 => ::samestate::__private::Result::Ok(Self::Off {}),
                _ => ::samestate::__private::Result::Ok(Self::On {}),
            }
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .enumeration::<Self>("Mode")
                .version(1u32)
                .variant(
                    "Off",
                    ::samestate::__private::Option::None,
                    ::samestate::__private::Shape::Unit,
                    |fields| {
                        let _ = fields;
                    },
                )
                .variant(
                    "On",
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
