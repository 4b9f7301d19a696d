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
    impl<T> ::samestate::Checkpoint for Body<T>
    where
        T: 'static,
        T: ::samestate::Checkpoint,
    {
        const MIN_LEN: usize = 0 + <[f64; 3] as ::samestate::Checkpoint>::MIN_LEN
            + <T as ::samestate::Checkpoint>::MIN_LEN;
        const FIXED_LEN: ::samestate::__private::Option<usize> = ::samestate::__private::fixed_len(
            &[
                <[f64; 3] as ::samestate::Checkpoint>::FIXED_LEN,
                <T as ::samestate::Checkpoint>::FIXED_LEN,
            ],
        );
        #[inline]
        fn put_fixed(value: &Self, out: &mut [u8]) {
            let Self { place: ref field_place, tag: ref field_tag } = *value;
            let out = ::samestate::__private::put_fixed::<[f64; 3]>(field_place, out);
            let out = ::samestate::__private::put_fixed::<T>(field_tag, out);
            let _ = out;
        }
        #[inline]
        fn get_fixed(mut bytes: &[u8], valid: &mut bool) -> Self {
            let _ = (&mut bytes, &valid);
            let field_place = ::samestate::__private::get_fixed::<
                [f64; 3],
            >(&mut bytes, valid);
            let field_tag = ::samestate::__private::get_fixed::<T>(&mut bytes, valid);
            Self {
                place: field_place,
                tag: field_tag,
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
            let Self { place: ref field_place, tag: ref field_tag } = *self;
            <[f64; 3] as ::samestate::Checkpoint>::save(field_place, saver)?;
            <T as ::samestate::Checkpoint>::save(field_tag, saver)?;
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
            let field_place = <[f64; 3] as ::samestate::Checkpoint>::restore(restorer)?;
            let field_tag = <T as ::samestate::Checkpoint>::restore(restorer)?;
            ::samestate::__private::Result::Ok(Self {
                place: field_place,
                tag: field_tag,
            })
        }
        const MAY_KEEP: bool = false || <[f64; 3] as ::samestate::Checkpoint>::MAY_KEEP
            || <T as ::samestate::Checkpoint>::MAY_KEEP;
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
            let Self { place: ref running_place, tag: ref running_tag } = *self;
            let field_place = <[f64; 3] as ::samestate::Checkpoint>::stage(
                running_place,
                restorer,
            )?;
            let field_tag = <T as ::samestate::Checkpoint>::stage(
                running_tag,
                restorer,
            )?;
            ::samestate::__private::Result::Ok(
                ::samestate::Assignment::new(move |this: &mut Self| {
                    field_place.apply(&mut this.place);
                    field_tag.apply(&mut this.tag);
                }),
            )
        }
        fn schema(schema: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            schema
                .structure::<Self>("Body")
                .version(1u32)
                .shape(::samestate::__private::Shape::Named)
                .described("place", <[f64; 3] as ::samestate::Checkpoint>::describe)
                .described("tag", <T as ::samestate::Checkpoint>::describe)
                .finish()
        }
        fn record_addr() -> u64 {
            __SAMESTATE_RECORD.addr()
        }
    }
};
