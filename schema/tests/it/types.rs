use proptest::collection::vec;
use proptest::prelude::*;
use samestate_schema::record::Shape;
use samestate_schema::treatment::{SkipPolicy, Treatment};
use samestate_schema::types::{
    Dyn, Enum, Field, Primitive, Struct, Table, TableError, Type, TypeRef, Variant,
};

const LIMIT: usize = 1 << 20;

/// Types that refer to any index below `count`, valid or not.
fn any_type(count: u32) -> impl Strategy<Value = Type> {
    let index = move || (0..count).prop_map(TypeRef);
    prop_oneof![
        (0..Primitive::ALL.len()).prop_map(|n| Type::Primitive(Primitive::ALL[n])),
        Just(Type::Str),
        index().prop_map(Type::Option),
        index().prop_map(Type::Sequence),
        (index(), any::<u64>()).prop_map(|(ty, len)| Type::Array(ty, len)),
        vec(index(), 0..4).prop_map(Type::Tuple),
        (index(), index()).prop_map(|(key, value)| Type::Map(key, value)),
        index().prop_map(Type::Set),
        structure(count).prop_map(Type::Struct),
        structure(count).prop_map(Type::Struct),
        (vec((structure(count), any::<Option<u32>>()), 0..3), any::<u32>()).prop_map(
            |(variants, version)| {
                let variants = variants.into_iter().map(|(def, id)| {
                    let Struct { name, shape, fields, .. } = def;
                    Variant { name, id, shape, fields }
                });
                Type::Enum(Enum { name: "E".into(), version, variants: variants.collect() })
            }
        ),
        any::<String>().prop_map(Type::Opaque),
        index().prop_map(Type::Shared),
        index().prop_map(Type::Weak),
        (any::<String>(), vec((any::<String>(), index()), 0..3))
            .prop_map(|(name, implementers)| Type::Dyn(Dyn { name, implementers })),
    ]
}

fn structure(count: u32) -> impl Strategy<Value = Struct> {
    let field = (any::<String>(), 0..Treatment::ALL.len(), 0..count).prop_map(|(name, n, ty)| {
        let treatment = Treatment::ALL[n];
        let ty = treatment.is_saved().then_some(TypeRef(ty));
        Field { name, treatment, ty }
    });
    let shape = prop_oneof![Just(Shape::Named), Just(Shape::Tuple), Just(Shape::Unit)];
    (any::<String>(), any::<u32>(), shape, vec(field, 0..4))
        .prop_map(|(name, version, shape, fields)| Struct { name, version, shape, fields })
}

/// Tables whose types refer to each other at random: some valid, some endless.
fn any_table() -> impl Strategy<Value = Table> {
    (1_u32..8).prop_flat_map(|count| {
        (vec(any_type(count), count as usize), 0..count)
            .prop_map(|(types, root)| Table { types, root: TypeRef(root) })
    })
}

/// The same types in another order, by the new place of each.
fn shuffled(table: &Table, place: &[usize]) -> Table {
    let to = |ty: TypeRef| TypeRef(u32::try_from(place[ty.0 as usize]).unwrap());
    let fields = |fields: &[Field]| -> Vec<Field> {
        fields.iter().map(|f| Field { ty: f.ty.map(to), ..f.clone() }).collect()
    };
    let mut types = vec![Type::Str; table.types.len()];
    for (index, ty) in table.types.iter().enumerate() {
        types[place[index]] = match ty {
            Type::Option(t) => Type::Option(to(*t)),
            Type::Sequence(t) => Type::Sequence(to(*t)),
            Type::Array(t, len) => Type::Array(to(*t), *len),
            Type::Tuple(types) => Type::Tuple(types.iter().map(|t| to(*t)).collect()),
            Type::Map(key, value) => Type::Map(to(*key), to(*value)),
            Type::Set(t) => Type::Set(to(*t)),
            Type::Struct(def) => {
                Type::Struct(Struct { fields: fields(&def.fields), ..def.clone() })
            }
            Type::Enum(def) => {
                let variants = def.variants.iter();
                let variants = variants.map(|v| Variant { fields: fields(&v.fields), ..v.clone() });
                Type::Enum(Enum { variants: variants.collect(), ..def.clone() })
            }
            Type::Shared(t) => Type::Shared(to(*t)),
            Type::Weak(t) => Type::Weak(to(*t)),
            Type::Dyn(Dyn { name, implementers }) => {
                let implementers = implementers.iter().map(|(name, ty)| (name.clone(), to(*ty)));
                Type::Dyn(Dyn { name: name.clone(), implementers: implementers.collect() })
            }
            Type::Primitive(_) | Type::Str | Type::Opaque(_) => ty.clone(),
        };
    }
    Table { types, root: to(table.root) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_valid_table_comes_back_and_others_are_refused(table in any_table()) {
        let bytes = table.encode();
        match table.validate() {
            Ok(()) => prop_assert_eq!(Table::decode(&bytes).unwrap(), (table, bytes.len())),
            Err(error) => prop_assert_eq!(Table::decode(&bytes).unwrap_err(), error),
        }
    }

    #[test]
    fn every_truncation_is_refused(table in any_table()) {
        let bytes = table.encode();
        for len in 0..bytes.len() {
            prop_assert!(Table::decode(&bytes[..len]).is_err(), "cut to {} bytes", len);
        }
    }

    #[test]
    fn a_flipped_bit_is_refused_or_means_itself(table in any_table(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = table.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok((read, len)) = Table::decode(&bytes) {
            prop_assert_eq!(read.validate(), Ok(()));
            let _ = read.canonical(read.root, LIMIT);
            // A table is written in one way only.
            prop_assert_eq!(read.encode(), &bytes[..len]);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Table::decode(&bytes);
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_the_order(
        table in any_table(),
        keys in vec(any::<u64>(), 8),
    ) {
        prop_assume!(table.validate().is_ok());
        let mut place: Vec<usize> = (0..table.types.len()).collect();
        place.sort_by_key(|&index| keys[index]);
        let other = shuffled(&table, &place);
        prop_assert_eq!(other.validate(), Ok(()));
        let text = table.canonical(table.root, LIMIT);
        prop_assert_eq!(&other.canonical(other.root, LIMIT), &text);
        // Nor on types that nothing refers to.
        let mut more = table.clone();
        more.types.push(Type::Opaque("unused".into()));
        prop_assert_eq!(&more.canonical(more.root, LIMIT), &text);
    }

    #[test]
    fn the_canonical_text_tells_every_field(
        table in any_table(),
        (which, name) in (any::<prop::sample::Index>(), any::<String>()),
    ) {
        prop_assume!(table.validate().is_ok());
        let Type::Struct(def) = &table.types[table.root.0 as usize] else { return Ok(()) };
        prop_assume!(!def.fields.is_empty());
        let at = which.index(def.fields.len());
        prop_assume!(def.fields[at].name != name);
        let text = table.canonical(table.root, LIMIT);
        let changed = |change: &dyn Fn(&mut Struct)| {
            let mut other = table.clone();
            if let Type::Struct(def) = &mut other.types[table.root.0 as usize] {
                change(def);
            }
            other.canonical(other.root, LIMIT)
        };
        prop_assert_ne!(&changed(&|def| def.fields[at].name = name.clone()), &text);
        prop_assert_ne!(&changed(&|def| def.version = def.version.wrapping_add(1)), &text);
        prop_assert_ne!(&changed(&|def| drop(def.fields.remove(at))), &text);
        prop_assert_ne!(&changed(&|def| {
            let policy = match def.fields[at].treatment {
                Treatment::Skipped(SkipPolicy::Value) => SkipPolicy::Default,
                _ => SkipPolicy::Value,
            };
            def.fields[at].treatment = Treatment::Skipped(policy);
            def.fields[at].ty = None;
        }), &text);
    }
}

#[test]
fn what_is_not_a_table_is_told() {
    let table = |types: Vec<Type>| Table { types, root: TypeRef(0) };
    assert_eq!(
        table(vec![Type::Option(TypeRef(7))]).validate(),
        Err(TableError::Dangling { index: 7, types: 1 })
    );
    assert!(matches!(
        table(vec![Type::Option(TypeRef(1)), Type::Set(TypeRef(0))]).validate(),
        Err(TableError::Endless { .. })
    ));
    let field = Field { name: "f".into(), treatment: Treatment::Rebuilt, ty: Some(TypeRef(0)) };
    let name = String::from("S");
    let of = Struct { name, version: 1, shape: Shape::Named, fields: vec![field] };
    assert!(matches!(table(vec![Type::Struct(of)]).validate(), Err(TableError::FieldType { .. })));
    let own = |name: &str| (name.to_owned(), TypeRef(0));
    let of =
        |names: [&str; 2]| Type::Dyn(Dyn { name: "T".into(), implementers: names.map(own).into() });
    assert_eq!(table(vec![of(["a", "b"])]).validate(), Ok(()), "a trait object may hold itself");
    for names in [["b", "a"], ["a", "a"]] {
        let error = table(vec![of(names)]).validate();
        assert!(matches!(error, Err(TableError::Implementers { .. })), "{error:?}");
    }
    assert!(matches!(
        table(vec![Type::Shared(TypeRef(1)), Type::Weak(TypeRef(0))]).validate(),
        Err(TableError::Endless { .. })
    ));
}

#[test]
fn a_table_that_explodes_is_given_up() {
    // Each level spells out the one before twice.
    let mut types = vec![Type::Primitive(Primitive::U8)];
    types.extend((0..200).map(|n| Type::Map(TypeRef(n), TypeRef(n))));
    let table = Table { root: TypeRef(200), types };
    assert_eq!(table.validate(), Ok(()));
    assert_eq!(table.canonical(table.root, LIMIT), None);
    // Nesting without growth is only long.
    let mut types = vec![Type::Primitive(Primitive::U8)];
    types.extend((0..100_000).map(|n| Type::Option(TypeRef(n))));
    let table = Table { root: TypeRef(100_000), types };
    assert_eq!(table.validate(), Ok(()));
    assert!(table.canonical(table.root, LIMIT).is_some());
}

#[test]
fn volatile_fields_hold_no_pointers_and_stand_in_no_key() {
    let volatile = |ty| {
        let fields =
            vec![Field { name: "f".into(), treatment: Treatment::Volatile, ty: Some(TypeRef(ty)) }];
        Type::Struct(Struct { name: "S".into(), version: 1, shape: Shape::Named, fields })
    };
    let table = |types: Vec<Type>| Table { root: TypeRef(0), types }.validate();
    let number = Type::Primitive(Primitive::U8);
    let (owner, field) = (String::from("S"), String::from("f"));
    assert_eq!(
        table(vec![volatile(1), Type::Option(TypeRef(2)), Type::Weak(TypeRef(3)), number.clone()]),
        Err(TableError::VolatileShared { owner: owner.clone(), field: field.clone() })
    );
    assert_eq!(table(vec![volatile(1), Type::Option(TypeRef(2)), number.clone()]), Ok(()));
    let keys = Type::Map(TypeRef(1), TypeRef(3));
    assert_eq!(
        table(vec![keys, Type::Option(TypeRef(2)), volatile(3), number.clone()]),
        Err(TableError::VolatileKey { owner, field })
    );
    let values = Type::Map(TypeRef(3), TypeRef(1));
    assert_eq!(table(vec![values, Type::Option(TypeRef(2)), volatile(3), number]), Ok(()));
}
