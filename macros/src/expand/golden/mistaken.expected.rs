::core::compile_error! {
    "write `skip(default)`, `skip(keep)` or `skip(value = EXPR)`: what is the field after a restore?"
}
#[doc(hidden)]
const _: () = {
    #[automatically_derived]
    impl ::samestate::Checkpoint for Rng {
        fn save<'saver>(
            &'saver self,
            _: &mut ::samestate::Saver<'saver>,
        ) -> ::samestate::__private::Result<(), ::samestate::SaveError> {
            ::core::unreachable!()
        }
        fn restore(
            _: &mut ::samestate::Restorer<'_>,
        ) -> ::samestate::__private::Result<Self, ::samestate::RestoreError> {
            ::core::unreachable!()
        }
        fn schema(_: &mut ::samestate::SchemaBuilder) -> ::samestate::TypeRef {
            ::core::unreachable!()
        }
    }
};
